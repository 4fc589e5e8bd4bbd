"""Counts the test cases of a `bazel test` run from its build event file, and names those that failed.

Takes the file that --build_event_json_file wrote. Prints one line per failed case or target, then, last, the two numbers
"PASSED FAILED". A target without cases of its own counts as one case; so does a target that did not build or timed out.
"""

import json
import sys
import urllib.parse
import xml.etree.ElementTree


def cases(xml_file):
    """Yields (name, passed) of each case in a JUnit file; skipped ones are left out."""
    for suite in xml.etree.ElementTree.parse(xml_file).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            if case.find("skipped") is not None or case.get("status") == "notrun":
                continue
            failed = case.find("failure") is not None or case.find("error") is not None
            yield f"{case.get('classname', '')}.{case.get('name', '')}", not failed


def main():
    xml_files = {}  # target -> the XML files of its shards and last attempts
    statuses = {}  # target -> overall status; None until its summary is there
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            event_id = event.get("id", {})
            if "targetConfigured" in event_id and event.get("configured", {}).get("testSize"):
                statuses.setdefault(event_id["targetConfigured"]["label"], None)
            elif "testResult" in event_id and "testResult" in event:
                key = event_id["testResult"]
                for output in event["testResult"].get("testActionOutput", []):
                    if output["name"] == "test.xml":
                        path = urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
                        xml_files.setdefault(key["label"], {})[key.get("shard", 1), key.get("run", 1)] = path
            elif "testSummary" in event_id and "testSummary" in event:
                statuses[event_id["testSummary"]["label"]] = event["testSummary"].get("overallStatus", "NO_STATUS")

    passed = failed = 0
    for target, status in sorted(statuses.items()):
        target_passed = target_failed = 0
        for path in xml_files.get(target, {}).values():
            try:
                results = list(cases(path))
            except (OSError, xml.etree.ElementTree.ParseError):
                results = []
            for name, case_passed in results:
                target_passed += case_passed
                target_failed += not case_passed
                if not case_passed:
                    print(f"failed: {target} {name}")
        if status in ("PASSED", "FLAKY"):
            target_passed = target_passed or 1
        elif target_failed == 0:
            target_failed = 1
            print(f"failed: {target} ({'did not build' if status is None else status.lower()})")
        passed += target_passed
        failed += target_failed
    print(passed, failed)


main()
