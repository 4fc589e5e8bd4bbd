"""Checks that the tests which docs/threat-model.md names exist, and that each of its threats names one.

Takes the file; run it in the root of the repository. A threat is a heading of the third level under "Threats". Its tests are in
a list item that begins with "Tests:": a file in code font, then names in code font that are in that file, and so on. A test in
C++ is named Suite.Name, one in JavaScript or Python by its title or function, one of a fuzz target by its file alone.
"""

import os
import re
import sys

CODE = re.compile(r"`([^`]+)`")
CXX = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
JAVASCRIPT = re.compile(r"""\b(?:it|test|describe)\(\s*('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`[^`]*`)""")
FILLED_IN = re.compile(r"\$\{(?:[^{}]|\{[^{}]*\})*\}")
PYTHON = re.compile(r"^\s*def (test_\w+)\(", re.MULTILINE)
GO = re.compile(r"^func (Test\w+)\(", re.MULTILINE)


def is_path(text):
    return "/" in text and " " not in text and re.search(r"\.(cc|js|py|go)$", text) is not None


def is_title(literal, name, text):
    """Whether a JavaScript string reads like `name` once its ${...} are filled in with something that is in `text`."""
    parts = [re.sub(r"\\(.)", r"\1", literal[1:-1])]
    if literal[0] == "`":
        parts = FILLED_IN.split(parts[0])
    match = re.fullmatch("(.+)".join(re.escape(part) for part in parts), name)
    return match is not None and all(filled_in in text for filled_in in match.groups())


def has_test(path, name):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".cc"):
        return any(f"{suite}.{case}" == name for suite, case in CXX.findall(text))
    if path.endswith(".js"):
        return any(is_title(literal, name, text) for literal in JAVASCRIPT.findall(text))
    return name in (PYTHON if path.endswith(".py") else GO).findall(text)


def items(lines):
    """The list items that begin with "Tests:", each as (number of its first line, text)."""
    item = None
    for number, line in lines:
        if item is not None and line.startswith("  "):
            item[1] += " " + line.strip()
            continue
        if item is not None:
            yield tuple(item)
            item = None
        if line.startswith("- Tests:"):
            item = [number, line]
    if item is not None:
        yield tuple(item)


def check_item(number, text):
    path = None
    named = 0
    for code in CODE.findall(text):
        if is_path(code):
            path = code if os.path.isfile(code) else None
            if path is None:
                yield number, f"there is no {code}"
            elif code.endswith("_fuzz.cc"):
                named += 1
        elif path is not None:
            named += 1
            if not has_test(path, code):
                yield number, f"{path} has no test {code}"
    if named == 0:
        yield number, "no test is named"


def check(text):
    section = threat = None
    threats = {}  # heading: [number, lines]
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            section, threat = line[3:].strip(), None
        elif line.startswith("### ") and section == "Threats":
            threat = threats.setdefault(line[4:].strip(), [number, []])
        elif threat is not None:
            threat[1].append((number, line))
    if not threats:
        yield 1, "no threats under ## Threats"
    for heading, (number, lines) in threats.items():
        found = list(items(lines))
        if not found:
            yield number, f"{heading}: no list item begins with Tests:"
        for item_number, item_text in found:
            yield from check_item(item_number, item_text)


def main():
    problems = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for number, message in check(text):
            print(f"{path}:{number}: {message}")
            problems += 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
