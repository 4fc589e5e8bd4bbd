"""Calls a tool over MCP 2026-07-28 and prints what it says; asks what the tool asks.

Takes the MCP URL, the tool's name, its arguments as a JSON object (default {}), and any number of --answer KEY=JSON: the answer to
the question KEY, an object with the fields of its form. Questions without one are asked in the terminal. The access token is in
GATEHOUSE_TOKEN. Exit code 1 if the tool failed.
"""

import argparse
import json
import math
import os
import sys
import urllib.error
import urllib.request

VERSION = "2026-07-28"
NS = "io.modelcontextprotocol/"
MAX_ROUNDS = 20


def messages(response):
    """The JSON-RPC messages of an answer, whether it is JSON or an event stream."""
    if response.headers.get_content_type() != "text/event-stream":
        yield json.load(response)
        return
    for line in response:
        if line.startswith(b"data:") and line[5:].strip():
            yield json.loads(line[5:])


def post(url, name, params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    headers = {
        "Authorization": "Bearer " + os.environ["GATEHOUSE_TOKEN"],
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": VERSION,
        "Mcp-Method": "tools/call",
        "Mcp-Name": name,
    }
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(urllib.request.Request(url, body, headers), timeout=600)
    except urllib.error.HTTPError as error:
        challenge = error.headers.get("WWW-Authenticate")
        if challenge:
            print(f"{error.code} {challenge}", file=sys.stderr)
        return error


def call(url, name, params):
    """The response to one call; shows the notifications before it."""
    with post(url, name, params) as response:
        try:
            for message in messages(response):
                if "method" not in message:
                    return message
                told = message.get("params", {})
                if message["method"] == "notifications/progress":
                    print(f"... {told.get('progress')} of {told.get('total', '?')} {told.get('message', '')}".rstrip())
                elif message["method"] == "notifications/message":
                    print(f"... {told.get('level')}: {json.dumps(told.get('data'))}")
        except ValueError:
            pass
        sys.exit(f"the edge answered HTTP {response.status} without a JSON-RPC response")


def answer_of(schema, text):
    """What was typed, as the value that a field of a form wants. ValueError says why it cannot be."""
    kind = schema.get("type", "string")
    if kind == "string":
        return text

    def refuse(_):
        raise ValueError

    # In JSON, NaN is no number; in Python, True is one.
    fits = {
        "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
        "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) != math.inf,
        "boolean": lambda value: isinstance(value, bool),
        "array": lambda value: isinstance(value, list),
    }.get(kind, lambda _: True)
    try:
        value = json.loads(text, parse_constant=refuse)
        if fits(value):
            return value
    except (ValueError, RecursionError):
        pass
    example = {"integer": "3", "number": "2.5", "boolean": "true or false", "array": '["red"]'}.get(kind, '"text" or 3')
    raise ValueError(f"that is no {kind}, like {example}")


def ask(key, params):
    """An ElicitResult from the terminal."""
    print(f"? {params.get('message', key)}")
    content = {}
    for field, schema in params.get("requestedSchema", {}).get("properties", {}).items():
        while True:
            try:
                text = input(f"  {schema.get('title', field)}: ")
            except EOFError:
                return {"action": "cancel"}
            if not text:
                break
            try:
                content[field] = answer_of(schema, text)
                break
            except ValueError as error:
                print(f"  {error}")
    return {"action": "accept", "content": content} if content else {"action": "decline"}


def main():
    parser = argparse.ArgumentParser(prog="./dev call", description="Calls a tool and prints what it says.")
    parser.add_argument("url", help=argparse.SUPPRESS)
    parser.add_argument("tool")
    parser.add_argument("arguments", nargs="?", default="{}", help="a JSON object")
    parser.add_argument("--answer", action="append", default=[], metavar="KEY=JSON", help="what to answer to the question KEY")
    parser.add_argument("--json", action="store_true", help="print each result as it came")
    options = parser.parse_args()
    try:
        arguments = json.loads(options.arguments)
        answers = {key: json.loads(text) for key, text in (answer.split("=", 1) for answer in options.answer)}
    except ValueError:
        sys.exit("the arguments and answers must be JSON objects, like '{\"name\":\"Ada\"}'")

    meta = {
        NS + "protocolVersion": VERSION,
        NS + "clientInfo": {"name": "dev-call", "version": "1"},
        NS + "clientCapabilities": {"elicitation": {}},
        NS + "logLevel": "info",
        "progressToken": 1,
    }
    params = {"name": options.tool, "arguments": arguments, "_meta": meta}
    for _ in range(MAX_ROUNDS):
        message = call(options.url, options.tool, params)
        if "error" in message:
            sys.exit(f"error {message['error']['code']}: {message['error']['message']}")
        result = message["result"]
        if options.json:
            print(json.dumps(result, indent=2, ensure_ascii=False))
        if result.get("resultType") != "input_required":
            break
        responses = {}
        for key, request in result.get("inputRequests", {}).items():
            if key in answers:
                responses[key] = {"action": "accept", "content": answers[key]}
            else:
                responses[key] = ask(key, request.get("params", {}))
        params["inputResponses"] = responses
        if "requestState" in result:
            params["requestState"] = result["requestState"]
    else:
        sys.exit(f"the tool still asks after {MAX_ROUNDS} rounds")
    if not options.json:
        for block in result.get("content", []):
            print(block["text"] if block["type"] == "text" else f"({block['type']})")
    sys.exit(1 if result.get("isError") else 0)


if __name__ == "__main__":
    main()
