"""Checks that the relative links in Markdown files lead to files of this repository, and anchors to headings.

Takes the files. Links to other hosts are not followed.
"""

import os
import re
import sys

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")


def anchors(path):
    with open(path, encoding="utf-8") as file:
        text = FENCE.sub("", file.read())
    found = set()
    for heading in re.findall(r"^#+\s+(.*?)\s*#*$", text, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        found.add(slug)
    return found


def check(path):
    with open(path, encoding="utf-8") as file:
        text = CODE.sub("", FENCE.sub("", file.read()))
    for target in LINK.findall(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        file_name = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        if not os.path.exists(file_name):
            yield f"link to {target}: there is no {file_name}"
        elif anchor and file_name.endswith(".md") and anchor not in anchors(file_name):
            yield f"link to {target}: no such heading"


def main():
    problems = 0
    for path in sys.argv[1:]:
        for message in check(path):
            print(f"{path}: {message}")
            problems += 1
    sys.exit(1 if problems else 0)


main()
