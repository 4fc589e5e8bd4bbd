"""A Gatehouse tool service in Python: plans trips, and books them once the user agrees.

An ordinary gRPC server that implements ToolService of proto/gatehouse/tool/v1/tool.proto. It shows a tool with schemas,
progress and cancellation (plan_trip), a tool that asks the user (book_trip), resources, health, and a clean shutdown.
It knows nothing of MCP, its versions or tokens: that is the edge's work. It keeps no state between calls.
"""

import argparse
import asyncio
import json
import logging
import signal

import grpc
import security
from gatehouse.tool.v1 import tool_pb2, tool_pb2_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from principals import PrincipalVerifier, Refused

SIGHTS = {
    "Kyoto": ["Fushimi Inari", "Nishiki Market", "Kinkaku-ji"],
    "Lisbon": ["Belém", "Alfama", "LX Factory"],
    "Oslo": ["Munch Museum", "Ekeberg", "Nordmarka"],
}
CITIES_URI = "trips://cities"
CITY_URI_TEMPLATE = "trips://cities/{city}"

# The edge checks arguments against the schema before it calls, so that a handler can rely on their types.
PLAN_TRIP = tool_pb2.Tool(
    name="plan_trip",
    title="Plan a trip",
    description="Plans the days of a trip to one of the cities in the resource trips://cities.",
    input_schema_json=json.dumps({
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "For example Oslo"},
            "days": {"type": "integer", "minimum": 1, "maximum": 100},
        },
        "required": ["city", "days"],
        "additionalProperties": False,
    }),
    output_schema_json=json.dumps({
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "array", "items": {"type": "string"}}},
        "required": ["city", "days"],
    }),
    annotations=tool_pb2.ToolAnnotations(read_only=True, open_world=False),
)
BOOK_TRIP = tool_pb2.Tool(
    name="book_trip",
    title="Book a trip",
    description="Books a trip to a city. Asks the user how many travel.",
    input_schema_json=json.dumps({
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }),
    annotations=tool_pb2.ToolAnnotations(destructive=False, open_world=False),
    # A client that cannot ask its user is refused before the call.
    required_client_capabilities_json='{"elicitation":{}}',
)

CATALOG = tool_pb2.Catalog(
    tools=[PLAN_TRIP, BOOK_TRIP],
    resources=[
        tool_pb2.Resource(uri=CITIES_URI, name="cities", description="Where trips go.", mime_type="application/json")
    ],
    resource_templates=[
        tool_pb2.ResourceTemplate(
            uri_template=CITY_URI_TEMPLATE, name="city", description="What to see there.", mime_type="text/plain"
        )
    ],
)

log = logging.getLogger("trips")


def text_block(text):
    return tool_pb2.ContentBlock(text=tool_pb2.TextContent(text=text))


def result(text, structured=None, is_error=False):
    """The last event of a call. `is_error`: the tool failed in a way that the model can read about and mend."""
    return tool_pb2.CallToolEvent(
        result=tool_pb2.CallToolResult(
            content=[text_block(text)],
            structured_content_json="" if structured is None else json.dumps(structured),
            is_error=is_error,
        )
    )


def unknown_city(city):
    return result(f"There are no trips to {city}, only to {', '.join(SIGHTS)}.", is_error=True)


class TripsService(tool_pb2_grpc.ToolServiceServicer):
    """`day_seconds`: how long it takes to plan a day. `verifier`: who calls; None believes whoever does."""

    def __init__(self, day_seconds, verifier=None):
        self._day_seconds = day_seconds
        self._verifier = verifier
        self._stopping = asyncio.Event()

    def stop(self):
        """Ends the catalogue streams: the edge sends no further calls here."""
        self._stopping.set()

    async def WatchCatalog(self, request, context):
        # A service whose catalogue changes yields the whole of the new one, each time.
        yield CATALOG
        await self._stopping.wait()
        await context.abort(grpc.StatusCode.UNAVAILABLE, "shutting down")

    async def _identify(self, request, context):
        """Takes who calls from what the edge has signed and from nothing else. First in every method with a caller."""
        if self._verifier is None:
            return
        try:
            principal = await self._verifier.verify(request.context.principal.assertion)
        except Refused as refused:
            log.warning("principal_refused", extra={"fields": {"message": str(refused)}})
            await context.abort(refused.code, str(refused))
        request.context.principal.CopyFrom(principal)

    async def CallTool(self, request, context):
        await self._identify(request, context)
        handlers = {PLAN_TRIP.name: self._plan_trip, BOOK_TRIP.name: self._book_trip}
        handler = handlers.get(request.name)
        if handler is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no tool {request.name}")
        outcome_sent = asyncio.Event()
        context.add_done_callback(lambda _: self._log_unless(outcome_sent, request))
        async for event in handler(json.loads(request.arguments_json or "{}"), request):
            yield event
        outcome_sent.set()

    @staticmethod
    def _log_unless(outcome_sent, request):
        # The client went away or cancelled. There is nothing to do: what the handler awaits has ended already.
        if not outcome_sent.is_set():
            log.info("call_cancelled", extra={"fields": {"tool": request.name, "request_id": request.context.request_id}})

    async def _plan_trip(self, arguments, request):
        city, count = arguments["city"], int(arguments["days"])
        if city not in SIGHTS:
            yield unknown_city(city)
            return
        days = []
        for day in range(count):
            await asyncio.sleep(self._day_seconds)
            days.append(f"Day {day + 1}: {SIGHTS[city][day % len(SIGHTS[city])]}")
            if request.context.wants_progress:
                yield tool_pb2.CallToolEvent(progress=tool_pb2.Progress(progress=day + 1, total=count, message=days[-1]))
        yield result("\n".join(days), {"city": city, "days": days})

    async def _book_trip(self, arguments, request):
        """Called twice: first without an answer, when it asks; then with the answer and with what it wanted back."""
        city = arguments["city"]
        if city not in SIGHTS:
            yield unknown_city(city)
            return
        answer = json.loads(request.input_responses_json.get("booking", "null"))
        if answer is None or not request.request_state:
            # The state comes back as it is: the edge seals it, so that no client can read or change it.
            offer = {"price": 100 * len(city)}
            yield tool_pb2.CallToolEvent(
                input_required=tool_pb2.InputRequired(
                    requests={"booking": self._ask_for_travellers(city, offer)}, state=json.dumps(offer).encode()
                )
            )
            return
        if answer.get("action") != "accept":
            yield result("The user did not agree. Nothing was booked.")
            return
        travellers = int(answer["content"]["travellers"])
        price = json.loads(request.request_state)["price"] * travellers
        yield result(f"Booked {city} for {travellers}, {price} euros.")

    @staticmethod
    def _ask_for_travellers(city, offer):
        return tool_pb2.InputRequest(
            method="elicitation/create",
            params_json=json.dumps({
                "mode": "form",
                "message": f"A trip to {city} costs {offer['price']} euros each. Who travels?",
                "requestedSchema": {
                    "type": "object",
                    "properties": {"travellers": {"type": "integer", "minimum": 1, "maximum": 9}},
                    "required": ["travellers"],
                },
            }),
        )

    async def ReadResource(self, request, context):
        await self._identify(request, context)
        city = request.uri.removeprefix(CITY_URI_TEMPLATE.removesuffix("{city}"))
        if request.uri == CITIES_URI:
            text, mime_type = json.dumps(list(SIGHTS)), "application/json"
        elif city in SIGHTS:
            text, mime_type = "\n".join(SIGHTS[city]), "text/plain"
        else:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such resource")
        contents = tool_pb2.ResourceContents(uri=request.uri, mime_type=mime_type, text=text)
        return tool_pb2.ReadResourceResponse(result=tool_pb2.ReadResourceResult(contents=[contents]))


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record):
        return json.dumps({"event": record.getMessage(), **getattr(record, "fields", {})})


async def say_serving(health_service, verifier):
    """Takes calls from now on, or once there are the keys that tell who makes them."""
    if verifier is not None:
        await verifier.wait_for_keys()
    await health_service.set("", health_pb2.HealthCheckResponse.SERVING)
    log.info("ready")


async def serve(host, port, day_seconds, verifier, credentials):
    """`credentials`: None for clear text. Serves until SIGTERM or SIGINT, then lets running calls end."""
    server = grpc.aio.server()
    service = TripsService(day_seconds, verifier)
    tool_pb2_grpc.add_ToolServiceServicer_to_server(service, server)
    # The edge sends calls only to servers that say SERVING; Kubernetes asks the same service.
    health_service = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_service, server)
    address = f"{host}:{port}"
    bound_port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    await server.start()
    await health_service.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    says_serving = asyncio.create_task(say_serving(health_service, verifier))
    log.info("serving", extra={"fields": {"port": bound_port}})

    stopped = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    await stopped.wait()

    says_serving.cancel()
    await health_service.enter_graceful_shutdown()
    service.stop()
    await server.stop(grace=10)
    log.info("stopped")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=50061, help="0 for any free one (default 50061)")
    parser.add_argument("--day_seconds", type=float, default=0.2, help="how long it takes to plan a day (default 0.2)")
    parser.add_argument("--audience", default="trips", help="what the edge's tool services file calls this service")
    parser.add_argument("--principal_keys", default="http://127.0.0.1:9090/jwks.json",
                        help="http URL or file of the edge's JWK Set")
    parser.add_argument("--principal_issuer",
                        help="the edge's public MCP URL (default: whichever has published its key there)")
    parser.add_argument("--unsigned_principals", choices=["refuse", "accept"], default="refuse",
                        help="accept: believe whoever calls")
    security.add_flags(parser)
    options = parser.parse_args()
    try:
        credentials = security.server_credentials(options)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    verifier = None
    if options.unsigned_principals == "refuse":
        verifier = PrincipalVerifier(options.audience, options.principal_keys, options.principal_issuer)
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    asyncio.run(serve(options.host, options.port, options.day_seconds, verifier, credentials))


if __name__ == "__main__":
    main()
