"""A tool service that keeps all that it is sent: for tests of what may not be sent to it.

Takes the port and a file. Each line of the file is a JSON object for one RPC: its method, its metadata, and its request in
hexadecimal. Its tool `record` returns {"done": true} at once; its resource is recording://resource, its prompt record_prompt.
"""

import asyncio
import json
import sys

import grpc
from gatehouse.tool.v1 import tool_pb2 as pb
from gatehouse.tool.v1 import tool_pb2_grpc

CATALOG = pb.Catalog(
    tools=[pb.Tool(name="record", description="Records", input_schema_json='{"type":"object"}')],
    resources=[pb.Resource(uri="recording://resource", name="resource")],
    prompts=[pb.Prompt(name="record_prompt", description="Records")],
)


class RecordingService(tool_pb2_grpc.ToolServiceServicer):
    def __init__(self, file):
        self._file = file

    def _record(self, method, request, context):
        text = lambda value: value if isinstance(value, str) else value.hex()
        metadata = [[key, text(value)] for key, value in context.invocation_metadata()]
        line = {"method": method, "metadata": metadata, "request": request.SerializeToString().hex(), "peer": context.peer()}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    async def WatchCatalog(self, request, context):
        self._record("WatchCatalog", request, context)
        yield CATALOG
        await asyncio.Event().wait()

    async def CallTool(self, request, context):
        self._record("CallTool", request, context)
        block = pb.ContentBlock(text=pb.TextContent(text="done"))
        yield pb.CallToolEvent(result=pb.CallToolResult(content=[block]))

    async def ReadResource(self, request, context):
        self._record("ReadResource", request, context)
        contents = pb.ResourceContents(uri=request.uri, text="text")
        return pb.ReadResourceResponse(result=pb.ReadResourceResult(contents=[contents]))

    async def GetPrompt(self, request, context):
        self._record("GetPrompt", request, context)
        return pb.GetPromptResponse(result=pb.GetPromptResult())

    async def Complete(self, request, context):
        self._record("Complete", request, context)
        return pb.CompleteResponse()

    async def ListResources(self, request, context):
        self._record("ListResources", request, context)
        return pb.ListResourcesResponse()

    async def WatchResources(self, request, context):
        self._record("WatchResources", request, context)
        await asyncio.Event().wait()
        yield pb.ResourceUpdated()


async def main(port, path):
    server = grpc.aio.server()
    with open(path, "w", encoding="utf-8") as file:
        tool_pb2_grpc.add_ToolServiceServicer_to_server(RecordingService(file), server)
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
