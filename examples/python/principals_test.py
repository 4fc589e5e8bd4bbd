"""Only what the edge signed for this service is believed: ../testdata/assertions.json has what else there may be."""

import base64
import json
import logging
import os
import re
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer

import grpc
import principal_keys
import principals
import trips_service
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from gatehouse.tool.v1 import tool_pb2, tool_pb2_grpc

ISSUER, AUDIENCE, KEY_ID = "https://mcp.example.com/mcp", "trips", "k"
with open(os.path.join(os.path.dirname(__file__), "..", "testdata", "assertions.json"), encoding="utf-8") as list_file:
    LIST = json.load(list_file)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk_of(key, key_id=KEY_ID):
    numbers = key.public_key().public_numbers()
    x, y = (encode(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "kid": key_id, "x": x, "y": y}


class Signer:
    """Makes assertions as the edge does, and the other forms of the list."""

    def __init__(self, now=None):
        self.now = int(now or time.time())
        self.key, self.other_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def make(self, **form):
        good = LIST["good"]
        header = {**good["header"], **form.get("header", {})}
        times = {name: self.now + seconds for name, seconds in {**good["times"], **form.get("times", {})}.items()}
        claims = {**good["claims"], **times, **form.get("claims", {})}
        for name in form.get("without", []):
            header.pop(name, None)
            claims.pop(name, None)
        parts = [
            encode(self._fill_in(text).encode())
            for text in (form.get("header_text", json.dumps(header)), form.get("payload", json.dumps(claims)))
        ]
        kind = form.get("signature")
        der = (self.other_key if kind == "other_key" else self.key).sign(".".join(parts).encode(), ec.ECDSA(hashes.SHA256()))
        raw = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))
        values = {"HEADER": parts[0], "PAYLOAD": parts[1], "SIGNATURE": encode(der if kind == "der" else raw)}
        return re.sub("HEADER|PAYLOAD|SIGNATURE", lambda match: values[match[0]], form.get("compact", good["compact"]))

    def _fill_in(self, text):
        for name, value in {
            "AUDIENCE_IN_CAPITALS": AUDIENCE.upper(), "AUDIENCE": AUDIENCE, "ISSUER": ISSUER, "KEY_ID": KEY_ID,
            "NOW": str(self.now), "SOON": str(self.now + 100), "LONG_HEADER": "x" * 2_000, "LONG_CLAIM": "x" * 300_000,
            '"OTHER_KEY"': json.dumps(jwk_of(self.other_key)),
        }.items():
            text = text.replace(name, value)
        return text


class Clock:
    """The time now, and later when it is told to."""

    def __init__(self):
        self.seconds = time.time()

    def __call__(self):
        return self.seconds


class PrincipalTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.keys_file = os.path.join(folder.name, "jwks.json")
        self.clock = Clock()
        self.edge = Signer(self.clock())
        self.publish(jwk_of(self.edge.key))
        self.verifier = principals.PrincipalVerifier(AUDIENCE, self.keys_file, ISSUER, self.clock)

    def publish(self, *keys):
        with open(self.keys_file, "w", encoding="utf-8") as file:
            json.dump({"keys": keys}, file)

    async def verdict(self, assertion):
        try:
            return await self.verifier.verify(assertion)
        except principals.Refused as refused:
            return refused.code

    async def test_every_form_of_the_list_is_judged_as_it_says(self):
        for form in LIST["forms"]:
            with self.subTest(form["name"]):
                verdict = await self.verdict(self.edge.make(**form))
                if not form.get("believed"):
                    self.assertEqual(verdict, grpc.StatusCode.UNAUTHENTICATED)
                    continue
                self.assertIsInstance(verdict, tool_pb2.Principal)
                if "scopes" in form:
                    self.assertEqual(list(verdict.scopes), form["scopes"])

    async def test_every_field_is_taken_from_the_claims(self):
        signed = tool_pb2.Principal(
            issuer="https://id.example.com/oidc", subject="alice", client_id="smartmail", scopes=["mail:read", "mail:write"],
            scopes_known=True, audience_known=True, claims_json='{"name": "Alice"}',
            claim_origins=[tool_pb2.ClaimOrigin(source=tool_pb2.CLAIM_SOURCE_TOKEN, claims=["name"])],
        )
        signed.expire_time.FromSeconds(self.edge.now + 3600)
        self.assertEqual(await self.verifier.verify(self.edge.make()), signed)

    async def test_what_was_verified_is_remembered_for_two_minutes_and_until_it_expires(self):
        assertion = self.edge.make(times={"exp": 300})
        short_lived = self.edge.make(times={"exp": 60})
        large = self.edge.make(claims={"claims": {"x": "x" * 20_000}})
        for one in (assertion, short_lived, large):
            self.assertEqual((await self.verifier.verify(one)).subject, "alice")
        # The key is withdrawn.
        self.publish(jwk_of(self.edge.other_key, "new"))
        self.verifier._refresh_at = 0
        self.assertEqual(await self.verdict(large), grpc.StatusCode.UNAUTHENTICATED)
        self.clock.seconds += 59
        for one in (assertion, short_lived):
            self.assertEqual((await self.verifier.verify(one)).subject, "alice")
        self.clock.seconds += 1
        self.assertEqual(await self.verdict(short_lived), grpc.StatusCode.UNAUTHENTICATED)
        self.clock.seconds += 59
        self.assertEqual((await self.verifier.verify(assertion)).subject, "alice")
        self.clock.seconds += 1
        self.assertEqual(await self.verdict(assertion), grpc.StatusCode.UNAUTHENTICATED)

    async def test_without_keys_nobody_can_tell(self):
        self.verifier = principals.PrincipalVerifier(AUDIENCE, self.keys_file + ".none", ISSUER)
        self.assertEqual(await self.verdict(self.edge.make()), grpc.StatusCode.UNAVAILABLE)


class IdentifyTest(unittest.IsolatedAsyncioTestCase):
    """The service takes who calls from what is signed."""

    async def asyncSetUp(self):
        self.edge = Signer()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        keys = os.path.join(folder.name, "jwks.json")
        with open(keys, "w", encoding="utf-8") as file:
            json.dump({"keys": [jwk_of(self.edge.key)]}, file)
        self.service = trips_service.TripsService(0, principals.PrincipalVerifier(AUDIENCE, keys))
        self.server = grpc.aio.server()
        tool_pb2_grpc.add_ToolServiceServicer_to_server(self.service, self.server)
        port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.stub = tool_pb2_grpc.ToolServiceStub(self.channel)

    async def asyncTearDown(self):
        await self.channel.close()
        await self.server.stop(grace=None)

    async def test_handlers_see_what_is_signed_and_nothing_beside_it(self):
        principal = tool_pb2.Principal(subject="admin", scopes=["everything"], assertion=self.edge.make(without=["scope"]))
        request = tool_pb2.ReadResourceRequest(uri="trips://cities", context=tool_pb2.CallContext(principal=principal))
        self.assertTrue((await self.stub.ReadResource(request)).result.contents)
        await self.service._identify(request, None)
        self.assertEqual(request.context.principal.subject, "alice")
        self.assertEqual(list(request.context.principal.scopes), [])

    async def test_who_is_not_believed_is_unauthenticated_in_every_method(self):
        with self.assertLogs(trips_service.log, logging.WARNING):
            for call in (
                self.stub.ReadResource(tool_pb2.ReadResourceRequest(uri="trips://cities")),
                self.stub.CallTool(tool_pb2.CallToolRequest(name="plan_trip")).read(),
            ):
                with self.assertRaises(grpc.aio.AioRpcError) as caught:
                    await call
                self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAUTHENTICATED)


class KeySetTest(unittest.TestCase):
    def test_keys_that_are_not_ours_to_use_are_left_and_the_others_taken(self):
        good = jwk_of(Signer().key)
        odd = [1, {"kty": "RSA"}, {**good, "kid": 5}, {**good, "kid": "a", "x": "AAAA"}, {**good, "kid": "b", "y": good["x"]},
               {**good, "kid": "c", "use": "enc"}, {**good, "kid": "d", "alg": "ES384"}, {**good, "kid": "e", "x": "=*"}]
        self.assertEqual(list(principal_keys.parse_key_set(json.dumps({"keys": [*odd, good]}).encode())), [KEY_ID])
        for text in (b"", b"[]", b"{}", b'{"keys":5}', json.dumps({"keys": odd}).encode(), b" " * 100_000):
            with self.assertRaises(ValueError):
                principal_keys.parse_key_set(text)

    def test_a_redirection_is_not_followed(self):
        text = json.dumps({"keys": [jwk_of(Signer().key)]}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(302 if self.path == "/elsewhere" else 200)
                self.send_header("Location", "/jwks.json")
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        base = f"http://127.0.0.1:{server.server_port}"
        self.assertEqual(list(principal_keys.load_keys(f"{base}/jwks.json")), [KEY_ID])
        for location in (f"{base}/elsewhere", f"ftp://127.0.0.1:{server.server_port}/jwks.json", "http://", "/none"):
            with self.assertRaises((OSError, ValueError)):
                principal_keys.load_keys(location)


if __name__ == "__main__":
    unittest.main()
