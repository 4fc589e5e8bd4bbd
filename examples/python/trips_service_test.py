"""The service behind a real gRPC server on a free port, called as the edge calls it."""

import asyncio
import json
import logging
import unittest

import grpc
import trips_service
from gatehouse.tool.v1 import tool_pb2, tool_pb2_grpc


class TripsServiceTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.server = grpc.aio.server()
        self.service = trips_service.TripsService(day_seconds=0)
        tool_pb2_grpc.add_ToolServiceServicer_to_server(self.service, self.server)
        port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.stub = tool_pb2_grpc.ToolServiceStub(self.channel)

    async def asyncTearDown(self):
        await self.channel.close()
        await self.server.stop(grace=None)

    async def call(self, name, arguments, **fields):
        request = tool_pb2.CallToolRequest(name=name, arguments_json=json.dumps(arguments), **fields)
        return [event async for event in self.stub.CallTool(request)]

    async def test_the_catalogue_comes_at_once_and_its_stream_ends_with_unavailable(self):
        watch = self.stub.WatchCatalog(tool_pb2.WatchCatalogRequest())
        catalog = await watch.read()
        self.assertEqual([tool.name for tool in catalog.tools], ["plan_trip", "book_trip"])
        for tool in catalog.tools:
            self.assertEqual(json.loads(tool.input_schema_json)["type"], "object")
        self.service.stop()
        with self.assertRaises(grpc.aio.AioRpcError) as caught:
            await watch.read()
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)

    async def test_a_plan_has_progress_for_each_day_and_structured_content(self):
        context = tool_pb2.CallContext(wants_progress=True)
        *progress, last = await self.call("plan_trip", {"city": "Oslo", "days": 4}, context=context)
        self.assertEqual([event.progress.progress for event in progress], [1, 2, 3, 4])
        self.assertEqual(len(json.loads(last.result.structured_content_json)["days"]), 4)

    async def test_an_unknown_city_is_an_error_that_names_the_known_ones(self):
        [event] = await self.call("plan_trip", {"city": "Atlantis", "days": 1})
        self.assertTrue(event.result.is_error)
        self.assertIn("Lisbon", event.result.content[0].text.text)

    async def test_a_cancelled_call_ends_wherever_it_is(self):
        cancelled = asyncio.Event()
        handler = logging.Handler()
        handler.emit = lambda record: cancelled.set() if record.getMessage() == "call_cancelled" else None
        trips_service.log.addHandler(handler)
        self.addCleanup(trips_service.log.removeHandler, handler)
        trips_service.log.setLevel(logging.INFO)
        call = self.stub.CallTool(
            tool_pb2.CallToolRequest(
                name="plan_trip", arguments_json='{"city":"Oslo","days":1000000}',
                context=tool_pb2.CallContext(wants_progress=True),
            )
        )
        await call.read()  # it runs
        call.cancel()
        await asyncio.wait_for(cancelled.wait(), timeout=10)

    async def test_a_booking_asks_and_then_books_what_was_offered(self):
        [asked] = await self.call("book_trip", {"city": "Oslo"})
        requests, state = asked.input_required.requests, asked.input_required.state
        self.assertEqual(requests["booking"].method, "elicitation/create")
        answer = {"booking": json.dumps({"action": "accept", "content": {"travellers": 2}})}
        [event] = await self.call("book_trip", {"city": "Oslo"}, input_responses_json=answer, request_state=state)
        self.assertEqual(event.result.content[0].text.text, "Booked Oslo for 2, 800 euros.")

    async def test_a_user_who_declines_books_nothing(self):
        answer = {"booking": '{"action":"decline"}'}
        [event] = await self.call("book_trip", {"city": "Oslo"}, input_responses_json=answer, request_state=b'{"price":400}')
        self.assertIn("Nothing was booked", event.result.content[0].text.text)

    async def test_an_answer_without_the_offer_it_is_for_is_asked_for_again(self):
        answer = {"booking": '{"action":"accept","content":{"travellers":2}}'}
        [event] = await self.call("book_trip", {"city": "Oslo"}, input_responses_json=answer)
        self.assertIn("booking", event.input_required.requests)

    async def test_an_unknown_tool_or_resource_is_not_found(self):
        for call in (
            self.call("fly", {}),
            self.stub.ReadResource(tool_pb2.ReadResourceRequest(uri="trips://cities/Atlantis")),
        ):
            with self.assertRaises(grpc.aio.AioRpcError) as caught:
                await call
            self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    async def test_resources_are_read_by_their_uri(self):
        response = await self.stub.ReadResource(tool_pb2.ReadResourceRequest(uri="trips://cities"))
        self.assertEqual(json.loads(response.result.contents[0].text), ["Kyoto", "Lisbon", "Oslo"])
        response = await self.stub.ReadResource(tool_pb2.ReadResourceRequest(uri="trips://cities/Oslo"))
        self.assertIn("Nordmarka", response.result.contents[0].text)


if __name__ == "__main__":
    unittest.main()
