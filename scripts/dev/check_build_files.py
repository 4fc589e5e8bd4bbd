"""Checks BUILD.bazel files for what buildifier would change most often, as buildifier is not in Debian 12.

Takes the files. A target's `name` comes first; label lists are sorted (`:here`, `//there`, `@elsewhere`) and hold nothing
twice; no tabs; macros are loaded at the top.
"""

import ast
import sys

SORTED = {"srcs", "hdrs", "deps", "data", "visibility", "textual_hdrs"}


def sort_key(label):
    phase = 0 if label.startswith(":") else 2 if label.startswith("//") else 3 if label.startswith("@") else 1
    return phase, label.replace(":", "\0").replace("/", "\1")


def check(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for number, line in enumerate(text.splitlines(), 1):
        if "\t" in line:
            yield number, "a tab"
    try:
        tree = ast.parse(text)  # a BUILD file is a subset of Python
    except SyntaxError as error:
        yield error.lineno, f"syntax: {error.msg}"
        return

    targets_started = False
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in SORTED and isinstance(node.value, ast.List):
            labels = [item.value for item in node.value.elts if isinstance(item, ast.Constant)]
            if len(labels) != len(node.value.elts):
                continue
            if len(set(labels)) != len(labels):
                yield node.value.lineno, f"{node.arg} holds a label twice"
            if labels != sorted(labels, key=sort_key):
                yield node.value.lineno, f"{node.arg} is not sorted; expected {sorted(labels, key=sort_key)}"
    for statement in tree.body:
        if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
            continue
        call = statement.value
        function = getattr(call.func, "id", "")
        if function == "load":
            if targets_started:
                yield statement.lineno, "load() after the first target"
        elif function not in ("package", "licenses", "exports_files"):
            targets_started = True
            names = [keyword.arg for keyword in call.keywords]
            if "name" in names and names[0] != "name":
                yield statement.lineno, f"{function}: name is not the first argument"


def main():
    problems = 0
    for path in sys.argv[1:]:
        for line, message in check(path):
            print(f"{path}:{line}: {message}")
            problems += 1
    sys.exit(1 if problems else 0)


main()
