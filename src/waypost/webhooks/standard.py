"""Standard Webhooks, which Svix and many others send: HMAC-SHA256 over id, time and body.

The headers are webhook-id, webhook-timestamp and webhook-signature, or the same three with svix- in front. Only
symmetric signatures (`v1`) are read.
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass
from typing import Any

from waypost.http.request import Request
from waypost.webhooks.signature import (
    TOLERANCE,
    InvalidSignature,
    Secret,
    check_time,
    check_tolerance,
    digest,
    one_header,
    read_object,
    read_secrets,
    require_match,
)

_FAMILIES = ("webhook", "svix")


@dataclass(frozen=True, slots=True)
class StandardEvent:
    """A message. id: the same when it is sent again; timestamp: seconds, of this attempt; payload: the JSON."""

    id: str
    timestamp: int
    payload: dict[str, Any]


async def verify(request: Request, *, secret: Secret, tolerance: float | None = TOLERANCE) -> StandardEvent:
    """The message of a request that was signed by Standard Webhooks.

    secret: `whsec_` and base64, as senders show it, or several. tolerance: seconds, in both directions.
    Raises InvalidSignature (400), BodyTooLarge (413), StartupError for a secret that is empty or no base64.
    """
    return await Verifier(secret, tolerance=tolerance)(request)


class Verifier:
    """`verify` with its settings checked once, where the module is imported."""

    __slots__ = ("_keys", "_tolerance")

    def __init__(self, secret: Secret, *, tolerance: float | None = TOLERANCE) -> None:
        self._keys = read_secrets(secret, _decode)
        self._tolerance = check_tolerance(tolerance)

    async def __call__(self, request: Request) -> StandardEvent:
        """As verify()."""
        family = next((name for name in _FAMILIES if request.headers.has(f"{name}-signature")), _FAMILIES[0])
        id, stamp = one_header(request, f"{family}-id"), one_header(request, f"{family}-timestamp")
        header = one_header(request, f"{family}-signature")
        # The dot divides what is signed: an id with one could move the borders.
        if "." in id or not id.isascii():
            raise InvalidSignature("the id holds a dot")
        check_time(stamp, self._tolerance)
        body = await request.bytes()
        given = [item[3:] for item in header.split(" ") if item.startswith("v1,")]
        require_match([_signature(key, id, stamp, body).encode("ascii") for key in self._keys], given)
        return StandardEvent(id, int(stamp), read_object(body))


def sign(
    body: bytes, secret: str, *, id: str = "msg_test", timestamp: int | None = None, family: str = "webhook"
) -> dict[str, str]:
    """The three headers for `body`, for tests. timestamp: seconds, now unless given. family: "webhook" or "svix"."""
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    signature = _signature(_decode(secret.encode()), id, stamp, body)
    return {f"{family}-id": id, f"{family}-timestamp": stamp, f"{family}-signature": f"v1,{signature}"}


def _signature(key: bytes, id: str, stamp: str, body: bytes) -> str:
    mac = digest(key, id.encode("ascii"), b".", stamp.encode("ascii"), b".", body)
    return base64.b64encode(mac).decode("ascii")


def _decode(secret: bytes) -> bytes:
    text = secret.strip().removeprefix(b"whsec_").rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError("it is whsec_ followed by base64") from None
