"""Finds out who calls: verifies the assertion that the edge signs (docs/writing-a-tool.md, "Who calls")."""

import asyncio
import hashlib
import json
import time

import grpc
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from gatehouse.tool.v1 import tool_pb2
from principal_keys import FETCH_TIMEOUT_S, MIN_FETCH_INTERVAL_S, load_keys, refresh_interval_s
from strict_json import base64url_decode, is_object, parse_object, text_of

TYPE = "gatehouse-principal+jwt"
MAX_ASSERTION_BYTES = 256 << 10
MAX_HEADER_BYTES = 1024
SIGNATURE_BYTES = 64
MAX_LIFETIME_S = 300  # the edge makes them for two minutes: what lives long was not made by it
CLOCK_SKEW_S = 10
END_OF_TIME_S = 253402300800  # the year 10000
MAX_REMEMBERED = 10_000
MAX_REMEMBERED_BYTES = 16 << 10  # of an assertion
MAX_REMEMBERED_S = 120  # without a look at the keys


class Refused(Exception):
    """Nobody is believed to call. `code`: the gRPC status to answer with."""

    def __init__(self, message, code=grpc.StatusCode.UNAUTHENTICATED):
        super().__init__(f"The edge's assertion of who calls was not accepted: {message}.")
        self.code = code


class PrincipalVerifier:
    """`audience`: this service, as the edge's tool services file names it. `keys`: http URL or file of the edge's JWK
    Set. `issuer`: the edge's public MCP URL, or None for whichever has published its key there. `clock`: seconds since
    1970."""

    def __init__(self, audience, keys, issuer=None, clock=time.time):
        self._audience = audience
        self._issuer = issuer
        self._location = keys
        self._clock = clock
        self._keys = None  # by key id
        self._next_fetch = 0.0
        self._refresh_at = 0.0
        self._lock = asyncio.Lock()
        self._remembered = {}  # what was verified, and until when it is believed, by the digest of its assertion

    async def wait_for_keys(self):
        """Returns once there are keys."""
        while self._keys is None:
            await self._fetch()

    async def verify(self, assertion):
        """The principal that an assertion names, if it is good here and now. Raises Refused."""
        if not assertion or len(assertion) > MAX_ASSERTION_BYTES:
            raise Refused("it is too long" if assertion else "there is none")
        digest = hashlib.sha256(assertion.encode()).digest()
        principal, until = self._remembered.get(digest, (None, 0))
        if self._clock() < until:
            return principal
        key_id, payload, signed, signature = split(assertion)
        key = await self._key_of(key_id)
        try:
            r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise Refused("the signature is not that of its key") from error
        principal, expires_at = self._judge(payload)
        self._remembered.pop(digest, None)
        if len(assertion) <= MAX_REMEMBERED_BYTES:
            while len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)))
            self._remembered[digest] = principal, min(expires_at, self._clock() + MAX_REMEMBERED_S)
        return principal

    def _judge(self, payload):
        """What a claims set says that is signed, and when it expires."""
        try:
            claims = parse_object(payload)
            expires_at, issued_at = time_of(claims, "exp"), time_of(claims, "iat")
            if self._issuer and text_of(claims, "iss") != self._issuer:
                raise Refused("it is of another edge")
            if text_of(claims, "aud") != self._audience:
                raise Refused(f"it is for the tool service {text_of(claims, 'aud')[:64]!a}, not {self._audience!a}")
            now = self._clock()
            if expires_at is None or issued_at is None:
                raise Refused("exp or iat is missing or no time")
            if now >= expires_at + CLOCK_SKEW_S:
                raise Refused("it has expired")
            if now + CLOCK_SKEW_S < issued_at:
                raise Refused("it was made in the future: the clocks differ")
            if expires_at - issued_at > MAX_LIFETIME_S:
                raise Refused("it lives for too long")
            if not text_of(claims, "sub") or not text_of(claims, "idp"):
                raise Refused("sub or idp is missing")
            return principal_of(claims), expires_at
        except ValueError as error:
            raise Refused("its claims set is no JSON object") from error

    async def _key_of(self, key_id):
        if self._keys is None or key_id not in self._keys or time.monotonic() >= self._refresh_at:
            await self._fetch(unless=lambda: self._keys is not None and key_id in self._keys)
        if self._keys is None:
            raise Refused("the keys that verify it cannot be had now", grpc.StatusCode.UNAVAILABLE)
        if key_id not in self._keys:
            raise Refused("nobody who may make one has published its key")
        return self._keys[key_id]

    async def _fetch(self, unless=lambda: False):
        """Gets the keys anew: at most once a second, and once for all who ask at the same time."""
        asked_at = time.monotonic()
        async with self._lock:
            if unless() and time.monotonic() < self._refresh_at or asked_at < self._next_fetch - MIN_FETCH_INTERVAL_S:
                return
            await asyncio.sleep(max(0, self._next_fetch - time.monotonic()))
            self._next_fetch = time.monotonic() + MIN_FETCH_INTERVAL_S
            try:
                self._keys = await asyncio.wait_for(asyncio.to_thread(load_keys, self._location), FETCH_TIMEOUT_S)
                self._refresh_at = time.monotonic() + refresh_interval_s(self._location)
            except (OSError, ValueError):
                self._refresh_at = time.monotonic() + MIN_FETCH_INTERVAL_S  # those that there are stay


def split(assertion):
    """The key id, the payload, what is signed and the signature, of a compact JWS that is an assertion by its form."""
    parts = assertion.split(".")
    if len(parts) != 3:
        raise Refused("it is not three parts")
    try:
        header_text, payload, signature = (base64url_decode(part) for part in parts)
    except ValueError as error:
        raise Refused("it is not base64url") from error
    if len(header_text) > MAX_HEADER_BYTES:
        raise Refused("its header is too long")
    try:
        header = parse_object(header_text)
    except ValueError as error:
        raise Refused("its header is no JSON object") from error
    # The algorithm is ours to say; the header must agree.
    if header.get("alg") != "ES256" or header.get("typ") != TYPE or "crit" in header:
        raise Refused("it is not of the right type")
    if not text_of(header, "kid"):
        raise Refused("it names no key")
    if len(signature) != SIGNATURE_BYTES:
        raise Refused("the signature is not that of its key")
    return header["kid"], payload, f"{parts[0]}.{parts[1]}".encode(), signature


def time_of(claims, name):
    """A NumericDate (RFC 7519, section 2), or None. A bool is an int to Python."""
    value = claims.get(name)
    is_time = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < END_OF_TIME_S
    return value if is_time else None


def principal_of(claims):
    """What a claims set that is believed says."""
    principal = tool_pb2.Principal(
        issuer=claims["idp"],
        subject=claims["sub"],
        client_id=text_of(claims, "client_id"),
        # At blanks and nothing else (RFC 6749, section 3.3): the edge must not have seen fewer scopes than we do.
        scopes=[scope for scope in text_of(claims, "scope").split(" ") if scope],
        scopes_known=claims.get("scopes_known") is True,
        audience_known=claims.get("audience_known") is True,
    )
    if is_object(claims.get("claims")):
        principal.claims_json = json.dumps(claims["claims"])
    token_expires_at = time_of(claims, "token_exp")
    if token_expires_at is not None:
        principal.expire_time.FromMicroseconds(int(token_expires_at * 1_000_000))
    origins = claims.get("claim_origins")
    for origin in origins if isinstance(origins, list) else []:
        if is_object(origin):
            source = "CLAIM_SOURCE_" + text_of(origin, "source").upper()
            names = origin.get("claims")
            principal.claim_origins.add(
                source=tool_pb2.ClaimSource.Value(source) if source in tool_pb2.ClaimSource.keys() else 0,
                claims=[name for name in names if isinstance(name, str)] if isinstance(names, list) else [],
            )
    return principal
