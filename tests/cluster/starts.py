"""Checks that the services take the containers of Deployments as they are: flags, environment and mounted files.

Takes a file with `kubectl get ... --output json` that has the Deployments and what they mount, the folder of the built binaries,
and a folder to work in. Prints "0 or 1, TAB, check, TAB, why not" per check. Called by run.

Each binary is run with the arguments of its container and the ports of ours, which are taken: one that finds nothing wrong with its
settings ends there, before it serves anything. Paths below a mount lead to a copy of what would be mounted.
"""

import base64
import json
import pathlib
import socket
import subprocess
import sys

TIMEOUT_S = 20
BINARIES = {
    "auth-service": "auth_service/auth_service",
    "mcp-edge": "mcp_edge/mcp_edge",
    "whoami": "tool_service/whoami/whoami",
    "todo": "tool_service/todo/todo",
}


def contents(objects, volume):
    """The files of a volume by name; None if what it is made of is not there."""
    if "configMap" in volume:
        found = objects.get(("ConfigMap", volume["configMap"]["name"]))
        return found and {name: text.encode() for name, text in found["data"].items()}
    found = objects.get(("Secret", volume["secret"]["secretName"]))
    return found and {name: base64.b64decode(text) for name, text in found["data"].items()}


def mount(objects, spec, folder):
    """Writes down what the container of a Pod sees. Returns its mounts: path and copy."""
    mounts = {}
    volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
    for mounted in spec["containers"][0].get("volumeMounts", []):
        copy = folder / mounted["mountPath"].lstrip("/")
        copy.mkdir(parents=True)
        for name, content in (contents(objects, volumes[mounted["name"]]) or {}).items():
            (copy / name).write_bytes(content)
        mounts[mounted["mountPath"] + "/"] = f"{copy}/"
    return mounts


def start(objects, spec, binary, folder, taken):
    """Runs a container's binary. Returns the problem that it has with its settings; empty: none."""
    main = spec["containers"][0]
    mounts = mount(objects, spec, folder)
    environment = {}
    for source in main.get("envFrom", []):
        environment.update(objects[("ConfigMap", source["configMapRef"]["name"])]["data"])
    arguments = main["args"]
    for path, copy in mounts.items():
        arguments = [argument.replace(f"={path}", f"={copy}") for argument in arguments]
    # Of a flag that is given twice the last one counts.
    arguments = [*arguments, f"--port={taken[0]}", f"--admin_port={taken[1]}"]
    ran = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, env=environment, check=False)
    if ran.returncode == 2 and "cannot listen on" in ran.stderr and "the port is taken" in ran.stderr:
        return ""
    return f"exit code {ran.returncode}: {ran.stderr.strip()}"


def main(objects_file, binaries, work):
    with open(objects_file, encoding="utf-8") as file:
        objects = {(each["kind"], each["metadata"]["name"]): each for each in json.load(file)["items"]}
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    taken = [each.getsockname()[1] for each in held]
    for (kind, name), deployment in sorted(objects.items()):
        if kind != "Deployment":
            continue
        spec = deployment["spec"]["template"]["spec"]
        image = spec["containers"][0]["image"].rsplit("/", 1)[-1].split(":")[0]
        binary = pathlib.Path(binaries) / BINARIES[image]
        try:
            problem = start(objects, spec, binary, pathlib.Path(work) / name, taken)
        except (OSError, subprocess.TimeoutExpired) as error:
            problem = str(error)
        problem = problem.replace("\n", " ").replace("\t", " ")
        print(1 if problem else 0, f"{name}: the service takes its flags, environment and files", problem, sep="\t")


if __name__ == "__main__":
    main(*sys.argv[1:4])
