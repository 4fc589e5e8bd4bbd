"""Checks that the README of each service names the log events and the metrics that its code has, and no others.

Takes nothing; run it in the root of the repository. An event is what Log() and LogAlways() of common/log.h get as such, a metric a
string in the code that begins with "gatehouse_". A README has both in the first column of tables, in code font: the events where
that column is headed "Log events", the metrics wherever a row begins with one. What common/ logs, every service does.
"""

import os
import re
import sys

# The README, and the folders that it speaks of.
SERVICES = {
    "auth_service/README.md": ["auth_service", "common"],
    "mcp_edge/README.md": ["mcp_edge", "common"],
    "tool_service/sdk/README.md": ["tool_service", "common"],
}
NOT_OF_A_SERVICE = re.compile(r"(_test|_fuzz|_benchmark|_tests)\.cc$|(^|/)(fake|test)_\w+\.(cc|h)$")

CALL = re.compile(r"(?<![\w.>])(?:common::)?(Log|LogAlways|AppendLine)\(")
STRING = r'"(?:[^"\\\n]|\\.)*"'
LITERAL = re.compile(STRING)
NAME = re.compile(r'"([a-z][a-z0-9_]*)"')
TOLD_BY_CALLER = re.compile(r"(\w+)\(absl::string_view event\b")
METRIC = re.compile(r'"(gatehouse_[a-z0-9_]+)"')
COMMENT = re.compile(rf"({STRING})|//[^\n]*")
CODE = re.compile(r"`([^`]+)`")


def arguments(text, begin):
    """The arguments of a call whose bracket opens before `begin`, each as text."""
    depth, start, found = 0, begin, []
    for token in re.finditer(rf"{STRING}|[(){{}}\[\],]", text[begin:]):
        where = begin + token.start()
        if token[0] in "([{":
            depth += 1
        elif token[0] in ")]}":
            depth -= 1
        if depth < 0 or (depth == 0 and token[0] == ","):
            found.append(text[start:where].strip())
            start = where + 1
        if depth < 0:
            break
    return found


def events_of(text):
    """The events that a source logs: names, or patterns with * for what is put together when it is logged."""
    text = COMMENT.sub(lambda match: match[1] or "", text)
    for call in CALL.finditer(text):
        found = arguments(text, call.end())
        if call[1] != "LogAlways":
            if not found or "everity" not in found[0]:
                continue  # another function of this name
            found = found[1:]
        if found and found[0] == "service_":
            found = found[1:]  # log.cc itself
        event = found[0] if found else ""
        if event == "event":
            for caller in TOLD_BY_CALLER.findall(text):
                yield from re.findall(rf'\b{caller}\(\s*"(\w+)"', text)
        elif event.startswith("absl::StrCat("):
            parts = arguments(event, len("absl::StrCat("))
            yield "".join(part[1:-1] if LITERAL.fullmatch(part) else "*" for part in parts)
        elif not event.startswith("absl::string_view "):  # the declaration
            yield from NAME.findall(event)


def first_column(lines):
    """The rows of tables, as (number, heading of the first column, names in code font in it)."""
    heading = None
    for number, line in enumerate(lines, 1):
        if not line.startswith("|"):
            heading = None
            continue
        cell = line.split("|")[1].strip()
        if heading is None:
            heading = cell
        yield number, heading, CODE.findall(cell)


def events_in(lines):
    for number, heading, names in first_column(lines):
        if heading == "Log events":
            for name in names:
                yield number, name


def metrics_in(lines):
    for number, _, names in first_column(lines):
        if names and names[0].startswith("gatehouse_"):
            for name in names:
                yield number, name.split("{")[0]


def matches(pattern, name):
    return re.fullmatch(re.escape(pattern).replace(r"\*", r"\w+"), name) is not None


def check(readme, sources):
    """What is wrong, as (line of the README, message). `readme`, and each of `sources`, is text."""
    lines = readme.splitlines()
    events = {event for source in sources for event in events_of(source)}
    metrics = {metric for source in sources for metric in METRIC.findall(source)}

    told = list(events_in(lines))
    for number, name in told:
        if not any(matches(event, name) for event in events):
            yield number, f"there is no log event {name}"
    for event in sorted(events):
        if not any(matches(event, name) for _, name in told):
            yield 1, f"the log event {event} is in no table"

    told = list(metrics_in(lines))
    for number, name in told:
        if name not in metrics:
            yield number, f"there is no metric {name}"
    for metric in sorted(metrics - {name for _, name in told}):
        yield 1, f"the metric {metric} is in no table"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def sources_in(folder):
    for where, _, files in os.walk(folder):
        for name in sorted(files):
            if name.endswith((".cc", ".h")) and not NOT_OF_A_SERVICE.search(name):
                yield read(os.path.join(where, name))


def main():
    problems = 0
    for path, folders in SERVICES.items():
        sources = [source for folder in folders for source in sources_in(folder)]
        for number, message in check(read(path), sources):
            print(f"{path}:{number}: {message}")
            problems += 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
