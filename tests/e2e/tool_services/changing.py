"""A tool service whose resources and catalogue change when a tool is called: for tests of what clients are told.

Takes the port. Its tools: touch {uri} says that the resource has changed; add_resource {uri} puts one into the catalogue.
It reads every URI below changing://, and gives ten of them page by page.
"""

import asyncio
import json
import sys

import grpc
from gatehouse.tool.v1 import tool_pb2, tool_pb2_grpc

URI_TOOL_SCHEMA = json.dumps({"type": "object", "properties": {"uri": {"type": "string"}}, "required": ["uri"]})
PAGED = [f"changing://paged/{number}" for number in range(10)]


def resource(uri):
    return tool_pb2.Resource(uri=uri, name=uri.rpartition("/")[2], mime_type="text/plain")


class ChangingService(tool_pb2_grpc.ToolServiceServicer):
    def __init__(self):
        self._watchers = set()  # queues of changed URIs
        self._catalog_watchers = set()
        self._uris = ["changing://a", "changing://b"]

    def _catalog(self):
        return tool_pb2.Catalog(
            tools=[tool_pb2.Tool(name=name, description=name, input_schema_json=URI_TOOL_SCHEMA) for name in ("touch", "add_resource")],
            resources=[resource(uri) for uri in self._uris],
            resource_uri_prefixes=["changing://"],
            lists_resources=True,
        )

    async def WatchCatalog(self, request, context):
        queue = asyncio.Queue()
        self._catalog_watchers.add(queue)
        yield self._catalog()
        while True:
            await queue.get()
            yield self._catalog()

    async def WatchResources(self, request, context):
        queue = asyncio.Queue()
        self._watchers.add(queue)
        while True:
            yield tool_pb2.ResourceUpdated(uri=await queue.get())

    async def CallTool(self, request, context):
        uri = json.loads(request.arguments_json)["uri"]
        if request.name == "touch":
            for queue in self._watchers:
                queue.put_nowait(uri)
        else:
            self._uris.append(uri)
            for queue in self._catalog_watchers:
                queue.put_nowait(None)
        done = tool_pb2.ContentBlock(text=tool_pb2.TextContent(text="done"))
        yield tool_pb2.CallToolEvent(result=tool_pb2.CallToolResult(content=[done]))

    async def ReadResource(self, request, context):
        contents = tool_pb2.ResourceContents(uri=request.uri, mime_type="text/plain", text="it")
        return tool_pb2.ReadResourceResponse(result=tool_pb2.ReadResourceResult(contents=[contents]))

    async def ListResources(self, request, context):
        first = int(request.cursor or 0)
        end = first + min(request.page_size, 4)
        return tool_pb2.ListResourcesResponse(
            resources=[resource(uri) for uri in PAGED[first:end]], next_cursor=str(end) if end < len(PAGED) else ""
        )


async def main():
    server = grpc.aio.server()
    tool_pb2_grpc.add_ToolServiceServicer_to_server(ChangingService(), server)
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    await server.start()
    await server.wait_for_termination()


asyncio.run(main())
