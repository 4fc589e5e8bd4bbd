"""Calls a tool service past the edge, as somebody would who has got into the network. Prints the outcome as JSON.

Takes the port, the tool, and a principal as JSON in proto3's own mapping. The outcome is {"code": ..., "details": ...} of the gRPC
status, and the text of the result if there is one.
"""

import json
import sys

import grpc
from gatehouse.tool.v1 import tool_pb2 as pb
from gatehouse.tool.v1 import tool_pb2_grpc
from google.protobuf import json_format

TIMEOUT_S = 10


def main(port, tool, principal_json):
    request = pb.CallToolRequest(name=tool, arguments_json="{}")
    json_format.Parse(principal_json, request.context.principal)
    outcome = {"code": "OK", "details": ""}
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            for event in tool_pb2_grpc.ToolServiceStub(channel).CallTool(request, timeout=TIMEOUT_S):
                if event.HasField("result"):
                    outcome["text"] = event.result.content[0].text.text
        except grpc.RpcError as error:
            outcome.update(code=error.code().name, details=error.details())
    print(json.dumps(outcome))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
