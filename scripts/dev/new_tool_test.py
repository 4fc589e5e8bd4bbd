"""./dev new-tool and run-tool in a folder of their own: nothing is built, and a script plays the edge."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import edge_verdict

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# ./dev without what needs packages or a build.
DEV = r"""
set -euo pipefail
root=${PWD} caller_dir=${PWD}
step() { printf '==> %s\n' "$*"; }
die() { printf 'dev: %s\n' "$*" >&2; exit 1; }
usage_error() { printf 'dev: %s\n' "$*" >&2; exit 2; }
for part in run lint new_tool; do source "scripts/dev/${part}.sh"; done
setup_group() { :; }
bazel_run() { :; }
opt_bin() { printf 'bin\n'; }
"$@"
"""

# A tool service: says that it is ready; or ends at once while there is a file `broken`.
SERVICE = """
import http.server, os, sys
if os.path.exists("broken"):
    sys.exit("config_invalid: broken")
port = next(a.split("=")[1] for a in sys.argv if a.startswith("--admin_port="))
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(port)), Ready).serve_forever()
"""

# The edge: reads its list when it has changed, and logs what it knows of services that are new there; what the file `refusal`
# holds comes between.
EDGE = """
import json, os, time
known, content = set(), ""
with open(".run/logs/mcp_edge.log", "a", buffering=1) as log:
    def tell(event, **fields):
        fields = "".join(f",{json.dumps(k)}:{json.dumps(v)}" for k, v in fields.items())
        log.write('{"service":"mcp_edge","event":"%s"%s}\\n' % (event, fields))
    while True:
        time.sleep(0.1)
        with open(".run/tools.yaml") as file:
            new = file.read()
        if new == content:
            continue
        content = new
        tell("tool_services_file_read")
        names = {line.split()[-1] for line in content.splitlines() if line.startswith("  - name: ")}
        for name in sorted(names - known):
            tell("tool_service_connected", tool_service=name)
            if os.path.exists("refusal"):
                tell("tool_refused", tool_service=name, tool="book_table", reason=open("refusal").read())
            tell("catalog_changed")
        known = names
"""


class NewToolTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="new_tool_test.")
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copytree(os.path.join(ROOT, "scripts"), self.path("scripts"))
        shutil.copy(os.path.join(ROOT, ".clang-format"), self.folder)
        os.makedirs(self.path("tool_service"))
        os.makedirs(self.path("deploy"))
        shutil.copy(os.path.join(ROOT, "deploy", "whoami.yaml"), self.path("deploy"))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def read(self, *parts):
        with open(self.path(*parts), encoding="utf-8") as file:
            return file.read()

    def write(self, text, *parts):
        os.makedirs(os.path.dirname(self.path(*parts)), exist_ok=True)
        with open(self.path(*parts), "w", encoding="utf-8") as file:
            file.write(text)

    def dev(self, *arguments):
        """Exit code and output."""
        # Output in a file: the services that it starts live on, and would keep a pipe open.
        with tempfile.TemporaryFile("w+") as output:
            code = subprocess.run(
                ["bash", "-c", DEV, "dev", *arguments], cwd=self.folder, stdout=output, stderr=output, timeout=60, check=False
            ).returncode
            output.seek(0)
            return code, output.read()

    def start_edge(self):
        os.makedirs(self.path(".run", "logs"))
        self.write("tool_services:\n  - name: whoami\n    target: dns:///localhost:50052\n", ".run", "tools.yaml")
        self.write("", ".run", "logs", "mcp_edge.log")
        edge = subprocess.Popen([sys.executable, "-c", EDGE], cwd=self.folder)
        self.addCleanup(edge.wait)
        self.addCleanup(edge.kill)
        with open(f"/proc/{edge.pid}/stat", encoding="utf-8") as stat:
            started = stat.read().rsplit(")", 1)[1].split()[19]
        self.write(f"{edge.pid} {started}\n", ".run", "mcp_edge.pid")
        self.addCleanup(self.stop_service)

    def stop_service(self):
        try:
            pid = int(self.read(".run", "book_table.pid").split()[0])
            os.kill(pid, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass

    def write_service(self):
        self.write("", "tool_service", "book_table", "main.cc")
        self.write(f"#!{sys.executable}\n{SERVICE}", "bin", "tool_service", "book_table", "book_table")
        os.chmod(self.path("bin", "tool_service", "book_table", "book_table"), 0o755)

    # --- new-tool ----------------------------------------------------------------------------------------------------

    def test_what_it_writes_is_formatted_whatever_the_name(self):
        for name in ["a", "word_count", "text_result", "class", "w" * 48, "_".join("abcdefghijklmnopqrstuvwx")]:
            with self.subTest(name=name):
                code, output = self.dev("command_new_tool", name)
                self.assertEqual(code, 0, output)
                folder = self.path("tool_service", name)
                files = sorted(os.listdir(folder))
                self.assertEqual(
                    files, sorted(["BUILD.bazel", "main.cc", f"{name}_tool.cc", f"{name}_tool.h", f"{name}_tool_test.cc"])
                )
                for file in files:
                    text = self.read("tool_service", name, file)
                    self.assertNotIn("@", re.sub("@[a-z_]+//", "", text), file)
                    # As in every file of ours, an #include or a guard may be as long as its path.
                    long = [line for line in text.splitlines() if len(line) > 120 and not line.startswith("#")]
                    self.assertEqual(long, [], file)
                sources = [os.path.join(folder, file) for file in files if file.endswith((".cc", ".h"))]
                formatted = subprocess.run(
                    ["clang-format-14", "--dry-run", "-Werror", *sources], capture_output=True, text=True, check=False
                )
                self.assertEqual(formatted.returncode, 0, formatted.stderr)
                # In a namespace of its own it cannot clash with anything.
                for file in (f"{name}_tool.cc", f"{name}_tool.h", f"{name}_tool_test.cc"):
                    namespaces = re.findall(r"^namespace (\S+) {", self.read("tool_service", name, file), re.MULTILINE)
                    self.assertEqual(namespaces, [f"tool_service::{name}_tool"], file)
                self.assertIn(f"name: {name.replace('_', '-')}\n", self.read("deploy", f"{name}.yaml"))

    def test_names_that_cannot_be(self):
        for name in ["", "Word", "1st", "word-count", "word__count", "_word", "word_", "../word", "w" * 49, "wört"]:
            with self.subTest(name=name):
                code, output = self.dev("command_new_tool", name)
                self.assertEqual(code, 1, output)
                self.assertIn("is no name for a tool", output)
        self.assertEqual(os.listdir(self.path("tool_service")), [])

    def test_names_of_gatehouse_itself(self):
        for name in ["provider", "auth", "auth_service", "edge", "mcp_edge", "whoami", "conformance", "sdk"]:
            for command in ["command_new_tool", "command_run_tool"]:
                with self.subTest(name=name, command=command):
                    code, output = self.dev(command, name)
                    self.assertEqual(code, 1, output)
                    self.assertIn("is a part of Gatehouse", output)
        self.assertEqual(os.listdir(self.path("tool_service")), [])

    def test_nothing_is_overwritten(self):
        self.write("mine\n", "deploy", "word_count.yaml")
        code, output = self.dev("command_new_tool", "word_count")
        self.assertEqual(code, 1, output)
        self.assertEqual(self.read("deploy", "word_count.yaml"), "mine\n")
        self.assertEqual(os.listdir(self.path("tool_service")), [])

    # --- run-tool ----------------------------------------------------------------------------------------------------

    def test_the_entry_follows_the_port_after_a_failed_start(self):
        self.write_service()
        self.start_edge()
        code, output = self.dev("command_run_tool", "book_table")
        self.assertEqual(code, 0, output)
        self.assertIn("the edge has it in its list", output)
        with open(self.path(".run", "tools.yaml"), "a", encoding="utf-8") as file:
            file.write("  - name: last\n    target: dns:///localhost:1\n")
        first_port = self.read(".run", "book_table.tool").split()[0]

        self.write("", "broken")
        code, output = self.dev("command_run_tool", "book_table")
        self.assertEqual(code, 1, output)
        self.assertIn("could not start", output)

        os.remove(self.path("broken"))
        code, output = self.dev("command_run_tool", "book_table")
        self.assertEqual(code, 0, output)
        port = self.read(".run", "book_table.tool").split()[0]
        self.assertNotEqual(port, first_port)  # or this test shows nothing
        self.assertEqual(
            self.read(".run", "tools.yaml"),
            "tool_services:\n"
            "  - name: whoami\n    target: dns:///localhost:50052\n"
            f"  - name: book-table\n    target: dns:///localhost:{port}\n"
            "  - name: last\n    target: dns:///localhost:1\n",
        )

    def test_a_refusal_of_the_edge_is_shown_and_fails(self):
        self.write_service()
        self.start_edge()
        self.write("the name is taken by whoami", "refusal")
        for _ in range(2):  # a service that runs already is asked about anew
            code, output = self.dev("command_run_tool", "book_table")
            self.assertEqual(code, 1, output)
            self.assertIn("tool_refused book_table: the name is taken by whoami", output)
            self.assertNotIn("has it in its list", output)
        os.remove(self.path("refusal"))
        code, output = self.dev("command_run_tool", "book_table")
        self.assertEqual(code, 0, output)


class EdgeVerdictTest(unittest.TestCase):
    CONNECTED = '{"service":"mcp_edge","event":"tool_service_connected","tool_service":"a"}\n'

    def reasons(self, text, offset=0):
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log, mock.patch("edge_verdict.CONNECT_BOUND_S", 0.5):
            log.write(text)
            log.flush()
            return edge_verdict.wait(log.name, offset, "a")

    def test_a_catalogue_that_changes_nothing_is_taken_too(self):
        self.assertEqual(self.reasons(self.CONNECTED), [])

    def test_a_refused_catalogue(self):
        refused = '{"service":"mcp_edge","event":"catalog_refused","tool_service":"a","reason":"too large"}\n'
        self.assertEqual(self.reasons(self.CONNECTED + refused), ["catalog_refused: too large"])

    def test_what_was_said_of_others_or_before_does_not_count(self):
        old = '{"service":"mcp_edge","event":"tool_refused","tool_service":"a","tool":"t","reason":"old"}\n'
        other = '{"service":"mcp_edge","event":"tool_refused","tool_service":"b","tool":"t","reason":"other"}\nnot JSON\n'
        self.assertEqual(self.reasons(old + other + self.CONNECTED, offset=len(old)), [])

    def test_a_service_that_the_edge_cannot_reach(self):
        away = '{"service":"mcp_edge","event":"tool_service_away","tool_service":"a","reason":"refused"}\n'
        self.assertEqual(self.reasons(away), ["tool_service_away: refused"])
        self.assertEqual(len(self.reasons("")), 1)


if __name__ == "__main__":
    unittest.main()
