"""Slack's requests: `X-Slack-Signature: v0=…`, HMAC-SHA256 over the version, the time and the body.

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import time
from typing import Any

from waypost.http.request import Request
from waypost.http.urlencoded import parse_urlencoded
from waypost.webhooks.signature import (
    TOLERANCE,
    Secret,
    check_time,
    check_tolerance,
    digest,
    one_header,
    read_object,
    read_secrets,
    require_match,
)

HEADER = "x-slack-signature"
TIME_HEADER = "x-slack-request-timestamp"


async def verify(request: Request, *, secret: Secret, tolerance: float | None = TOLERANCE) -> dict[str, Any]:
    """What Slack sent: an event's JSON, an interaction's `payload`, or the fields of a slash command.

    secret: the app's signing secret, or several. tolerance: seconds, in both directions.
    Raises InvalidSignature (400), BodyTooLarge (413), StartupError for an empty secret.
    """
    return await Verifier(secret, tolerance=tolerance)(request)


class Verifier:
    """`verify` with its settings checked once, where the module is imported."""

    __slots__ = ("_keys", "_tolerance")

    def __init__(self, secret: Secret, *, tolerance: float | None = TOLERANCE) -> None:
        self._keys = read_secrets(secret)
        self._tolerance = check_tolerance(tolerance)

    async def __call__(self, request: Request) -> dict[str, Any]:
        """As verify()."""
        given, stamp = one_header(request, HEADER), one_header(request, TIME_HEADER)
        check_time(stamp, self._tolerance)
        body = await request.bytes()
        require_match([_signature(key, stamp, body).encode("ascii") for key in self._keys], [given])
        media_type = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
        if media_type != "application/x-www-form-urlencoded":
            return read_object(body)
        fields: dict[str, Any] = dict(parse_urlencoded(body))
        return read_object(fields["payload"].encode()) if "payload" in fields else fields


def sign(body: bytes, secret: str, *, timestamp: int | None = None) -> dict[str, str]:
    """The two headers for `body`, for tests. timestamp: seconds, now unless given."""
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    return {HEADER: _signature(secret.encode(), stamp, body), TIME_HEADER: stamp}


def _signature(key: bytes, stamp: str, body: bytes) -> str:
    return f"v0={digest(key, b'v0:', stamp.encode('ascii'), b':', body).hex()}"
