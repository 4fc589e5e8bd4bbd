"""JSON and base64url as an assertion may have them, and nothing that a lenient reader lets pass. All raise ValueError."""

import base64
import json
import math
import re

BASE64URL = re.compile(rb"[A-Za-z0-9_-]*")


def base64url_decode(text):
    """Of base64url without padding (RFC 7515, section 2). The library would skip what is not in its alphabet."""
    data = text.encode("ascii")
    if not BASE64URL.fullmatch(data) or len(data) % 4 == 1:
        raise ValueError("it is not base64url")
    decoded = base64.urlsafe_b64decode(data + b"=" * (-len(data) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != data:
        raise ValueError("it is not base64url")  # left-over bits
    return decoded


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def _finite(text):
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def parse_object(text):
    """A JSON object (RFC 8259) in UTF-8. Of members of one name the last counts."""
    try:
        value = json.loads(text.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("it is too deep") from error
    if not is_object(value):
        raise ValueError("it is no object")
    return value


def is_object(value):
    return isinstance(value, dict)


def text_of(members, name):
    """The member if it is a text; otherwise an empty one."""
    value = members.get(name)
    return value if isinstance(value, str) else ""
