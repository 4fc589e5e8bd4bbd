"""Finds out who calls: verifies the assertion that the edge signs (docs/writing-a-tool.md, "Who calls")."""

import asyncio
import hashlib
import json
import time
import urllib.request

import grpc
import jwt

TYPE = "gatehouse-principal+jwt"
MAX_ASSERTION_BYTES = 256 << 10
MAX_KEY_SET_BYTES = 64 << 10
MAX_REMEMBERED = 10_000
CLOCK_SKEW_S = 10
MIN_FETCH_INTERVAL_S = 1
REFRESH_INTERVAL_S = 300
FETCH_TIMEOUT_S = 3


class Refused(Exception):
    """Nobody is believed to call. `code`: the gRPC status to answer with."""

    def __init__(self, message, code=grpc.StatusCode.UNAUTHENTICATED):
        super().__init__(f"The edge's assertion of who calls was not accepted: {message}.")
        self.code = code


class PrincipalVerifier:
    """`audience`: this service, as the edge's tool services file names it. `keys`: http URL or file of the edge's JWK
    Set. `issuer`: the edge's public MCP URL, or None for whichever has published its key there."""

    def __init__(self, audience, keys, issuer=None):
        self._audience = audience
        self._issuer = issuer
        self._location = keys
        self._keys = None  # by key id
        self._next_fetch = 0.0
        self._refresh_at = 0.0
        self._lock = asyncio.Lock()
        self._remembered = {}  # what was verified, by the digest of its assertion

    async def wait_for_keys(self):
        """Returns once there are keys."""
        while self._keys is None:
            await self._fetch()

    async def verify(self, assertion):
        """The claims set of an assertion that is good here and now. Raises Refused."""
        if not assertion or len(assertion) > MAX_ASSERTION_BYTES:
            raise Refused("there is none" if not assertion else "it is too long")
        digest = hashlib.sha256(assertion.encode()).digest()
        claims = self._remembered.get(digest)
        if claims is None or claims["exp"] <= time.time():
            claims = self._decode(assertion, await self._key_of(assertion))
            while len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)))
            self._remembered[digest] = claims
        return claims

    async def _key_of(self, assertion):
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.InvalidTokenError as error:
            raise Refused("it is no JWS") from error
        if header.get("typ") != TYPE or header.get("alg") != "ES256" or "crit" in header:
            raise Refused("it is not of the right type")
        key_id = header.get("kid")
        if self._keys is None or key_id not in self._keys or time.monotonic() >= self._refresh_at:
            await self._fetch(unless=lambda: self._keys is not None and key_id in self._keys)
        if self._keys is None:
            raise Refused("the keys that verify it cannot be had now", grpc.StatusCode.UNAVAILABLE)
        if key_id not in self._keys:
            raise Refused("nobody who may make one has published its key")
        return self._keys[key_id]

    def _decode(self, assertion, key):
        required = ["iss", "aud", "exp", "iat", "sub", "idp"]
        try:
            # The algorithm is ours to say, whatever the header says.
            claims = jwt.decode(
                assertion, key, algorithms=["ES256"], audience=self._audience, issuer=self._issuer,
                leeway=CLOCK_SKEW_S, options={"require": required, "strict_aud": True},
            )
        except jwt.InvalidTokenError as error:
            raise Refused(str(error)) from error
        return claims

    async def _fetch(self, unless=lambda: False):
        """Gets the keys anew: at most once a second, and once for all who ask at the same time."""
        asked_at = time.monotonic()
        async with self._lock:
            if unless() and time.monotonic() < self._refresh_at or asked_at < self._next_fetch - MIN_FETCH_INTERVAL_S:
                return
            await asyncio.sleep(max(0, self._next_fetch - time.monotonic()))
            self._next_fetch = time.monotonic() + MIN_FETCH_INTERVAL_S
            try:
                self._keys = await asyncio.to_thread(self._load)
                self._refresh_at = time.monotonic() + REFRESH_INTERVAL_S
            except (OSError, ValueError, KeyError, jwt.PyJWTError):
                self._refresh_at = time.monotonic() + MIN_FETCH_INTERVAL_S  # those that there are stay

    def _load(self):
        if "://" in self._location:
            with urllib.request.urlopen(self._location, timeout=FETCH_TIMEOUT_S) as response:
                text = response.read(MAX_KEY_SET_BYTES + 1)
        else:
            with open(self._location, "rb") as file:
                text = file.read(MAX_KEY_SET_BYTES + 1)
        if len(text) > MAX_KEY_SET_BYTES:
            raise ValueError("the JWK Set is too large")
        keys = [key for key in json.loads(text)["keys"] if key.get("kty") == "EC" and key.get("crv") == "P-256"]
        if not keys:
            raise ValueError("the JWK Set has no P-256 key")
        return {key["kid"]: jwt.PyJWK.from_dict(key, algorithm="ES256").key for key in keys}
