"""Waits for what the edge says of a tool service that was added to its list: nothing on standard output and exit code 0 when it
has taken all that the service offers; otherwise its reasons, and exit code 1.

Takes the edge's log, how many bytes of it are older than the change, and the service's name in the list.
"""

import json
import sys
import time

# The edge looks at its list once in a second, and may need more than one attempt to connect.
CONNECT_BOUND_S = 10
# From the arrival of a catalogue to its publication, which the log shows only if it changes anything.
PUBLISH_BOUND_S = 1


class Verdict:
    """What is known after the lines so far."""

    def __init__(self, service):
        self.service = service
        self.connected = False
        self.published = False
        self.reasons = []
        self.away = ""

    def read(self, line):
        try:
            entry = json.loads(line)
        except ValueError:
            return
        event = entry.get("event", "")
        if event == "tool_services_file_refused":
            self.reasons.append(f"{event}: {entry.get('reason')}")
        elif event == "catalog_changed":
            self.published = self.connected
        elif entry.get("tool_service") != self.service:
            return
        elif event == "tool_service_connected":
            self.connected = True
        elif event == "tool_service_away":
            self.away = f"{event}: {entry.get('reason')}"
        elif event == "catalog_entries_refused":
            self.reasons.append(f"{event}: {entry.get('entries')} in all")
        elif event.endswith("_refused"):
            name = entry.get(event[: -len("_refused")])
            self.reasons.append(f"{event}{f' {name}' if name else ''}: {entry.get('reason')}")


def wait(path, offset, service):
    """The reasons why the edge has not all of the service; none if it has."""
    verdict = Verdict(service)
    deadline = time.monotonic() + CONNECT_BOUND_S
    was_connected = False
    partial = b""
    with open(path, "rb") as log:
        log.seek(offset)
        while time.monotonic() < deadline and not verdict.published:
            *lines, partial = (partial + log.read()).split(b"\n")
            for line in lines:
                verdict.read(line)
            if verdict.connected and not was_connected:
                was_connected = True
                deadline = time.monotonic() + PUBLISH_BOUND_S
            time.sleep(0.05)
    if not verdict.connected and not verdict.reasons:
        return [verdict.away or f"the edge has not taken {service}'s catalogue within {CONNECT_BOUND_S} s; ./dev logs mcp_edge"]
    return verdict.reasons


def main():
    path, offset, service = sys.argv[1:]
    reasons = wait(path, int(offset), service)
    for reason in reasons:
        print(f"    the edge says: {reason}")
    sys.exit(1 if reasons else 0)


if __name__ == "__main__":
    main()
