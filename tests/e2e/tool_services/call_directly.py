"""Calls a tool service past the edge, as somebody would who has got into the network. Prints the outcome as JSON.

Takes the port, the tool, and a principal as JSON in proto3's own mapping; without it, such principals on standard input, one a
line, for a call each. An outcome is {"code": ..., "details": ...} of the gRPC status, and the text of the result if there is one;
one a line.
"""

import json
import sys

import grpc
from gatehouse.tool.v1 import tool_pb2 as pb
from gatehouse.tool.v1 import tool_pb2_grpc
from google.protobuf import json_format

TIMEOUT_S = 10


def call(stub, tool, principal_json):
    request = pb.CallToolRequest(name=tool, arguments_json="{}")
    json_format.Parse(principal_json, request.context.principal)
    outcome = {"code": "OK", "details": ""}
    try:
        for event in stub.CallTool(request, timeout=TIMEOUT_S):
            if event.HasField("result"):
                outcome["text"] = event.result.content[0].text.text
    except grpc.RpcError as error:
        outcome.update(code=error.code().name, details=error.details())
    return outcome


def main(port, tool, *principals_json):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        for principal_json in principals_json or sys.stdin:
            print(json.dumps(call(tool_pb2_grpc.ToolServiceStub(channel), tool, principal_json)))


if __name__ == "__main__":
    main(*sys.argv[1:])
