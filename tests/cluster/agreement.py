"""Checks what must agree between the Kubernetes objects of deploy/, and what the API server does not look at.

Takes a file with `kubectl get ... --output json`; prints "0 or 1, TAB, check, TAB, why not" per check. Called by run, from the
top of the repository.
"""

import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile

with open(sys.argv[1], encoding="utf-8") as file:
    objects = json.load(file)["items"]


def of_kind(kind):
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


deployments, services, config, accounts, secrets = (
    of_kind(kind) for kind in ("Deployment", "Service", "ConfigMap", "ServiceAccount", "Secret")
)
# Where it is said which Secrets to make.
instructions = "".join(
    pathlib.Path("deploy", path).read_text(encoding="utf-8") for path in ("tls/README.md", "logto/kustomization.yaml")
)


def report(name, problems):
    """Prints a check, which holds if there are no problems."""
    print(1 if problems else 0, name, "; ".join(str(each) for each in problems), sep="\t")


def expect(name, found, wanted):
    """Prints a check, which holds if what was found is what was wanted."""
    report(name, [] if found == wanted else [f"found {found}, wanted {wanted}"])


def selects(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def template(deployment):
    return deployment["spec"]["template"]


def container(deployment):
    return template(deployment)["spec"]["containers"][0]


def ports(deployment):
    """The ports of a Deployment's container by name."""
    return {port["name"]: port["containerPort"] for port in container(deployment)["ports"]}


def port_number(deployment, port):
    return port if isinstance(port, int) else ports(deployment).get(port)


def flags(deployment):
    """The flags of a Deployment's container; of one that is given twice the last one counts."""
    return dict(argument[2:].split("=", 1) for argument in container(deployment)["args"])


def source_of(volume):
    """The kind and name of what a volume is made of, and its keys; no keys if it is not there."""
    if "configMap" in volume:
        name = volume["configMap"]["name"]
        return "ConfigMap", name, config.get(name, {}).get("data", {}).keys()
    name = volume["secret"]["secretName"]
    return "Secret", name, secrets.get(name, {}).get("data", {}).keys()


def lacking_files(deployment):
    """The files that flags name and no volume has."""
    spec = template(deployment)["spec"]
    volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
    mounts = {mount["mountPath"]: volumes.get(mount["name"]) for mount in container(deployment).get("volumeMounts", [])}
    for flag, value in flags(deployment).items():
        if value.startswith("/"):
            folder, _, file = value.rpartition("/")
            if mounts.get(folder) is None or file not in source_of(mounts[folder])[2]:
                yield f"--{flag}={value}"


def certificate_problems(name, secret):
    """What is wrong with the certificate of a Secret for a service."""
    with tempfile.TemporaryDirectory() as folder:
        files = {key: pathlib.Path(folder, key) for key in ("tls.crt", "tls.key", "ca.crt")}
        for key, path in files.items():
            path.write_bytes(base64.b64decode(secret["data"][key]))

        def openssl(*arguments):
            return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False).stdout

        host = f"{name}.gatehouse.svc.cluster.local"
        if ": OK" not in openssl("verify", "-CAfile", files["ca.crt"], files["tls.crt"]):
            yield "it is not of the authority"
        if "does match" not in openssl("x509", "-in", files["tls.crt"], "-noout", "-checkhost", host):
            yield f"it is not for {host}"
        if openssl("x509", "-in", files["tls.crt"], "-noout", "-pubkey") != openssl("pkey", "-in", files["tls.key"], "-pubout"):
            yield "the key is another one's"


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text).group(1))


expect("there are the three services", sorted(deployments), ["auth-service", "mcp-edge", "whoami"])

for name, deployment in sorted(deployments.items()):
    spec, main, said = template(deployment)["spec"], container(deployment), flags(deployment)
    labels = template(deployment)["metadata"]["labels"]

    selected = [each for each in services.values() if selects(each["spec"]["selector"], labels)]
    names = [name, "mcp-edge-admin"] if name == "mcp-edge" else [name]
    expect(f"{name}: its Services select its Pods", sorted(each["metadata"]["name"] for each in selected), names)
    targets = [port["targetPort"] for service in selected for port in service["spec"]["ports"]]
    report(
        f"{name}: the Service's ports are those of the container",
        [target for target in targets if port_number(deployment, target) is None],
    )
    main_port = "http" if name == "mcp-edge" else "grpc"
    expect(
        f"{name}: the container's ports are those of its flags",
        ports(deployment),
        {main_port: int(said["port"]), "admin": int(said["admin_port"])},
    )
    probes = [main["livenessProbe"], main["readinessProbe"]]
    probed = [port_number(deployment, probe.get("httpGet", probe.get("grpc"))["port"]) for probe in probes]
    report(
        f"{name}: the probes ask ports that it has",
        [port for port in probed if port not in ports(deployment).values()],
    )
    # The Pod is killed only after the pause before SIGTERM and all of the grace that the service gives itself.
    needed = main["lifecycle"]["preStop"]["sleep"]["seconds"] + seconds(said["shutdown_grace"])
    given = spec["terminationGracePeriodSeconds"]
    report(
        f"{name}: is given the time that its shutdown takes",
        [] if given > needed else [f"is given {given} s, needs more than {needed} s"],
    )
    account = accounts.get(spec["serviceAccountName"], {})
    expect(
        f"{name}: has a ServiceAccount and no token",
        (spec["automountServiceAccountToken"], account.get("automountServiceAccountToken")),
        (False, False),
    )
    wanted = {f"FLAGS_{flag}" for flag in said.get("fromenv", "").split(",") if flag}
    sources = [source["configMapRef"]["name"] for source in main.get("envFrom", [])]
    report(
        f"{name}: config.yaml has what it takes from the environment",
        sorted(wanted - {key for source in sources for key in config[source]["data"]}),
    )
    resources = main["resources"]
    expect(
        f"{name}: says what it asks for, and limits its memory",
        (sorted(resources["requests"]), "memory" in resources["limits"]),
        (["cpu", "memory"], True),
    )
    volumes = {volume["name"]: source_of(volume) for volume in spec.get("volumes", [])}
    report(f"{name}: what it mounts is there", [source[:2] for source in volumes.values() if not source[2]])
    mounts = main.get("volumeMounts", [])
    expect(f"{name}: it mounts its volumes, each once and read-only", sorted(each["name"] for each in mounts if each.get("readOnly")), sorted(volumes))
    report(f"{name}: the files that its flags name are mounted", list(lacking_files(deployment)))
    report(
        f"{name}: it is said how to make the Secrets that it mounts",
        [
            secret
            for kind, secret, _ in volumes.values()
            if kind == "Secret" and f"`{secret}`" not in instructions and f"create secret generic {secret} " not in instructions
        ],
    )
    if said["grpc_security"] != "tls":
        continue
    expect(
        f"{name}: with TLS it has certificate, key and authorities, of its own Secret",
        {flag: said.get(flag) for flag in ("tls_cert_file", "tls_key_file", "tls_ca_file")}
        | {"secret": volumes.get("tls", ("", ""))[1]},
        {
            "tls_cert_file": "/etc/gatehouse-tls/tls.crt",
            "tls_key_file": "/etc/gatehouse-tls/tls.key",
            "tls_ca_file": "/etc/gatehouse-tls/ca.crt",
            "secret": f"{name}-tls",
        },
    )
    report(f"{name}: its certificate is good for its name", list(certificate_problems(name, secrets[f"{name}-tls"])))
    # Kubernetes' gRPC probes speak no TLS.
    report(f"{name}: no probe speaks gRPC", [probe for probe in probes if "grpc" in probe])

edge = deployments["mcp-edge"]
modes = {name: flags(deployment)["grpc_security"] for name, deployment in deployments.items()}
report("all of them speak TLS to each other, or none", [] if len(set(modes.values())) == 1 else [modes])
registers = (
    flags(deployments["auth-service"]).get("registration", "off") == "logto",
    flags(edge).get("authorization_server_metadata") == "register",
)
report("clients may register at the edge and at auth_service, or at neither", [] if len(set(registers)) == 1 else [registers])
scalers = of_kind("HorizontalPodAutoscaler").values()
expect(
    "the edge has one replica, and nothing scales it",
    (edge["spec"]["replicas"], sorted(each["spec"]["scaleTargetRef"]["name"] for each in scalers)),
    (1, ["auth-service", "whoami"]),
)
expect(
    "each has a PodDisruptionBudget that lets nodes be drained",
    {name: each["spec"].get("maxUnavailable") for name, each in of_kind("PodDisruptionBudget").items()},
    {name: 1 for name in deployments},
)

# Every gRPC target that the edge is told of is a headless Service, on a port that it has.
tool_services = config["tool-services"]["data"]["tool_services.yaml"]
targets = [flags(edge)["auth_service"]] + re.findall(r"target: *(\S+)", tool_services)
problems = []
for target in targets:
    match = re.fullmatch(r"dns:///([a-z-]+)\.gatehouse\.svc\.cluster\.local:(\d+)", target)
    service = services.get(match.group(1), {}).get("spec", {}) if match else {}
    served = [port["port"] for port in service.get("ports", [])]
    if service.get("clusterIP") != "None" or int(match.group(2)) not in served:
        problems.append(target)
report("the edge's targets are headless Services", problems if len(targets) > 1 else ["there are none"])
places = [mount["mountPath"] for mount in container(edge)["volumeMounts"] if mount["name"] == "tool-services"]
expect("the tool services file is where the edge looks for it", [flags(edge)["tools_config"]], [f"{place}/tool_services.yaml" for place in places])

# Every tool believes the edge, under the name that the edge has for it.
names = re.findall(r"- name: *(\S+)", tool_services)
expect("the tools are those that the edge calls by these names", [flags(deployments[name])["audience"] for name in names], names)
admin = services["mcp-edge-admin"]["spec"]
expect(
    "the tools fetch the edge's keys where every replica answers, ready or not",
    ({flags(deployments[name])["principal_keys"] for name in names}, admin["clusterIP"], admin["publishNotReadyAddresses"]),
    ({f"http://mcp-edge-admin.gatehouse.svc.cluster.local:{admin['ports'][0]['port']}/jwks.json"}, "None", True),
)

# Who may talk to whom, worked out from the policies.
policies = of_kind("NetworkPolicy").values()


def rules(name, direction):
    """The rules of every policy for a Deployment's Pods; direction is ingress or egress."""
    labels = template(deployments[name])["metadata"]["labels"]
    for policy in policies:
        spec = policy["spec"]
        if direction.capitalize() in spec["policyTypes"] and selects(spec["podSelector"].get("matchLabels", {}), labels):
            yield from spec.get(direction, [])


def is_peer(peer, name):
    """Whether a Deployment's Pods are meant by a peer of a rule: one without a namespace means this namespace."""
    labels = template(deployments[name])["metadata"]["labels"]
    return (
        "podSelector" in peer
        and "namespaceSelector" not in peer
        and selects(peer["podSelector"].get("matchLabels", {}), labels)
    )


def allows(rule, peers_key, other, server, number):
    """Whether a rule allows what is between its Pods and `other`, to a port of `server`. No list means everything."""
    peers, allowed_ports = rule.get(peers_key), rule.get("ports")
    return (peers is None or any(is_peer(peer, other) for peer in peers)) and (
        allowed_ports is None
        or any(port_number(deployments[server], port["port"]) == number for port in allowed_ports)
    )


open_paths = set()
for client in deployments:
    for server in deployments:
        for number in ports(deployments[server]).values():
            leaves = any(allows(rule, "to", server, server, number) for rule in rules(client, "egress"))
            arrives = any(allows(rule, "from", client, server, number) for rule in rules(server, "ingress"))
            if client != server and leaves and arrives:
                open_paths.add(f"{client} -> {server}:{number}")
expect(
    "Pods may talk along the picture in deploy/README.md, and not otherwise",
    sorted(open_paths),
    ["mcp-edge -> auth-service:50051", "mcp-edge -> whoami:50052", "whoami -> mcp-edge:9090"],
)
deny_all = [
    policy
    for policy in policies
    if policy["spec"]["podSelector"] == {}
    and sorted(policy["spec"]["policyTypes"]) == ["Egress", "Ingress"]
    and not policy["spec"].get("ingress")
    and not policy["spec"].get("egress")
]
expect("what no policy allows is denied", len(deny_all), 1)
