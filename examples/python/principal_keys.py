"""The keys that verify who calls: a JWK Set (RFC 7517) that the edge publishes, or a file of it."""

import http.client
import socket
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from cryptography.hazmat.primitives.asymmetric import ec
from strict_json import base64url_decode, is_object, parse_object, text_of

MAX_KEY_SET_BYTES = 64 << 10
COORDINATE_BYTES = 32
MIN_FETCH_INTERVAL_S = 1
FETCH_TIMEOUT_S = 3
MAX_ADDRESSES = 16


def refresh_interval_s(location):
    """How long keys are believed before another look at where they are published."""
    return 300 if "://" in location else 5


def load_keys(location):
    """The public keys at `location`, an http URL or a file, by their ids. Every address of the URL's host is asked: each
    edge may have a key of its own. Blocks. Raises OSError or ValueError if there are none."""
    if "://" not in location:
        with open(location, "rb") as file:
            return parse_key_set(file.read(MAX_KEY_SET_BYTES + 1))
    url = urllib.parse.urlsplit(location)
    if url.scheme != "http" or not url.hostname:
        raise ValueError(f"{location} is no http URL")
    found = socket.getaddrinfo(url.hostname, url.port or 80, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(address[0] for *_, address in found))[:MAX_ADDRESSES]
    keys, problem = {}, OSError(f"{url.hostname} has no address")
    with ThreadPoolExecutor(len(addresses) or 1) as executor:
        for answer in [executor.submit(fetch_keys, url, address) for address in addresses]:
            try:
                keys.update(answer.result())
            except (OSError, ValueError) as error:
                problem = error
    if not keys:
        raise problem
    return keys


def fetch_keys(url, address):
    """Asks one address. A redirection is no answer."""
    connection = http.client.HTTPConnection(address, url.port or 80, timeout=FETCH_TIMEOUT_S)
    try:
        connection.request("GET", urllib.parse.urlunsplit(("", "", url.path or "/", url.query, "")), headers={"Host": url.netloc})
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise ValueError(f"{address}: HTTP status {response.status}")
        return parse_key_set(response.read(MAX_KEY_SET_BYTES + 1))
    except http.client.HTTPException as error:
        raise ValueError(f"{address}: {error!r}") from error
    finally:
        connection.close()


def parse_key_set(text):
    """Takes the keys of a JWK Set that are ours to use, and leaves the others."""
    if len(text) > MAX_KEY_SET_BYTES:
        raise ValueError("the JWK Set is too large")
    jwks = parse_object(text).get("keys")
    keys = {}
    for jwk in jwks if isinstance(jwks, list) else []:
        if not is_object(jwk) or jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or not text_of(jwk, "kid"):
            continue
        if jwk.get("alg", "ES256") != "ES256" or jwk.get("use", "sig") != "sig":
            continue
        try:
            x, y = (base64url_decode(text_of(jwk, name)) for name in "xy")
            if len(x) == len(y) == COORDINATE_BYTES:
                numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
                keys[jwk["kid"]] = numbers.public_key()
        except ValueError:
            continue  # not base64url, or no point of the curve
    if not keys:
        raise ValueError("the JWK Set has no P-256 key with a kid")
    return keys
