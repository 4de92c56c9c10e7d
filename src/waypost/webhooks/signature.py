"""What every verifier of this package stands on: secrets, one signature header, the clock, the comparison.

A verifier learns nothing from a request but its bytes and one signature: the algorithm is never the sender's choice,
and every refusal looks the same from outside.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from waypost.errors import HTTPError, InvalidJSON, StartupError
from waypost.http.json import parse_json
from waypost.http.request import Request

Secret: TypeAlias = "str | bytes | Sequence[str | bytes]"

TOLERANCE: Final = 300.0  # seconds that a timestamp may be off, in both directions
_LONGEST_HEADER: Final = 4096
_MOST_SIGNATURES: Final = 16  # a header full of signatures must not buy more than this many comparisons a secret


class InvalidSignature(HTTPError):
    """The signature is missing, doubled, malformed, wrong or out of time; 400 when nobody catches it.

    reason: which of these, for a log; it is not sent.
    """

    status = 400

    def __init__(self, reason: str) -> None:
        super().__init__("Invalid signature")
        self.reason = reason


def read_secrets(secret: Secret, decode: Callable[[bytes], bytes] | None = None) -> tuple[bytes, ...]:
    """The keys of `secret`: one, or several while a secret is being changed.

    decode: what a vendor's spelling of a key means; ValueError from it is the developer's mistake.
    Raises StartupError for an empty one, since anyone can sign with an empty key.
    """
    items: list[str | bytes] = [secret] if isinstance(secret, str | bytes) else list(secret)
    keys = []
    for item in items:
        key = item.encode() if isinstance(item, str) else item
        try:
            key = decode(key) if decode is not None and key else key
        except ValueError as error:
            raise StartupError(f"a webhook's secret is malformed: {error}", remedy="Copy it once more.") from None
        if not key.strip():
            raise StartupError(
                "a webhook's secret is empty: anyone could sign with it",
                remedy="Set it to the secret that the sender shows, and check that its environment variable is set.",
            )
        keys.append(key)
    if not keys:
        raise StartupError("a webhook needs a secret", remedy="Give secret=... one secret or a list of them.")
    return tuple(keys)


def one_header(request: Request, name: str) -> str:
    """The value of a header that must stand there once. Raises InvalidSignature."""
    values = request.headers.get_all(name)
    if len(values) != 1:
        raise InvalidSignature(f"{name} is {'missing' if not values else 'there more than once'}")
    value = values[0]
    if not value or len(value) > _LONGEST_HEADER:
        raise InvalidSignature(f"{name} is {'empty' if not value else 'too long'}")
    return value


def check_time(text: str, tolerance: float | None, now: float | None = None) -> None:
    """Refuse a timestamp in seconds that is too old or too far ahead. tolerance: None checks its form only."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise InvalidSignature("the timestamp is not a number of seconds")
    if tolerance is None:
        return
    if abs((time.time() if now is None else now) - int(text)) > tolerance:
        raise InvalidSignature("the timestamp is outside the tolerance")


def check_tolerance(tolerance: float | None) -> float | None:
    """`tolerance` if it is one. Raises StartupError."""
    if tolerance is not None and not 0 < tolerance < float("inf"):
        raise StartupError(
            f"tolerance={tolerance!r} is not a number of seconds", remedy="Use a positive number, 300 unless unsure."
        )
    return tolerance


def digest(key: bytes, *parts: bytes, algorithm: str = "sha256") -> bytes:
    """HMAC of the parts in one, by an algorithm of hashlib."""
    mac = hmac.new(key, digestmod=getattr(hashlib, algorithm))
    for part in parts:
        mac.update(part)
    return mac.digest()


def require_match(expected: Iterable[bytes], given: Sequence[str]) -> None:
    """Raise InvalidSignature unless one of `given` is one of `expected`, both in the sender's spelling.

    Each pair is compared in a time that does not depend on where they differ, and all pairs always are.
    """
    if not given:
        raise InvalidSignature("the header holds no signature of a known version")
    if len(given) > _MOST_SIGNATURES:
        raise InvalidSignature("the header holds too many signatures")
    offered = [item.encode("latin-1", "replace") for item in given]
    matched = False
    for good in expected:
        for candidate in offered:
            matched |= hmac.compare_digest(good, candidate)
    if not matched:
        raise InvalidSignature("no signature matches")


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body whose signature was good. Raises InvalidSignature when it is none."""
    try:
        value = parse_json(body)
    except InvalidJSON as error:
        raise InvalidSignature("the body is signed but is not JSON") from error
    if not isinstance(value, dict):
        raise InvalidSignature("the body is signed but is not a JSON object")
    return value
