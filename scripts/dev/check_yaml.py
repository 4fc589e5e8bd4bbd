"""Checks that YAML files parse and that no mapping has a key twice (PyYAML would keep the last one silently).

Takes the files.
"""

import sys

import yaml


class StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses duplicate keys."""


def construct_mapping(loader, node):
    seen = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} appears twice", key_node.start_mark)
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, construct_mapping)


def main():
    problems = 0
    for path in sys.argv[1:]:
        try:
            with open(path, "rb") as file:
                for _ in yaml.load_all(file, Loader=StrictLoader):
                    pass
        except yaml.YAMLError as error:
            print(f"{path}: {error}")
            problems += 1
    sys.exit(1 if problems else 0)


main()
