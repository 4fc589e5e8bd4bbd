"""A tool service that points elsewhere wherever the contract has room for a URL: for tests that nobody goes there.

Takes the port, and the origin to point to. Its tools: `point` returns a result full of links, against an output schema that refers
elsewhere by name only; `remote_input` and `remote_output` have schemas that could not be read without going there.
"""

import asyncio
import json
import sys

import grpc
from gatehouse.tool.v1 import tool_pb2 as pb
from gatehouse.tool.v1 import tool_pb2_grpc


class PointingService(tool_pb2_grpc.ToolServiceServicer):
    def __init__(self, origin):
        self._origin = origin

    def _icons(self):
        # Only https is an icon's: whoever went there would find somebody who speaks none, and be counted.
        return [pb.Icon(src=f"{self._origin.replace('http:', 'https:')}/icon.png", mime_type="image/png", sizes=["any"])]

    def _tool(self, name, input_schema, output_schema):
        return pb.Tool(
            name=name,
            description=f"See {self._origin}/description",
            icons=self._icons(),
            input_schema_json=json.dumps({"type": "object", **input_schema}),
            output_schema_json=json.dumps({"type": "object", **output_schema}),
            meta_json=json.dumps({"example.com/more": f"{self._origin}/meta"}),
        )

    async def WatchCatalog(self, request, context):
        named = {"$id": f"{self._origin}/id", "description": f"{self._origin}/description"}
        remote = {"properties": {"a": {"$ref": f"{self._origin}/schema"}}}
        yield pb.Catalog(
            tools=[
                self._tool("point", named, named),
                self._tool("remote_input", remote, {}),
                self._tool("remote_output", {}, remote),
            ],
            resources=[pb.Resource(uri=f"{self._origin}/resource", name="resource", icons=self._icons())],
        )
        await asyncio.Event().wait()

    async def CallTool(self, request, context):
        link = pb.ResourceLink(uri=f"{self._origin}/link", name="link")
        blocks = [pb.ContentBlock(text=pb.TextContent(text=f"{self._origin}/text")), pb.ContentBlock(resource_link=link)]
        result = pb.CallToolResult(content=blocks, structured_content_json=json.dumps({"a": f"{self._origin}/structured"}))
        yield pb.CallToolEvent(result=result)

    async def ReadResource(self, request, context):
        contents = pb.ResourceContents(uri=request.uri, text=f"{self._origin}/contents")
        return pb.ReadResourceResponse(result=pb.ReadResourceResult(contents=[contents]))


async def main():
    server = grpc.aio.server()
    tool_pb2_grpc.add_ToolServiceServicer_to_server(PointingService(sys.argv[2]), server)
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    await server.start()
    await server.wait_for_termination()


asyncio.run(main())
