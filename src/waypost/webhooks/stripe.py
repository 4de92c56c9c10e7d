"""Stripe's webhooks: `Stripe-Signature: t=…,v1=…`, HMAC-SHA256 over the time, a dot and the body.

Source: https://docs.stripe.com/webhooks#verify-manually
"""

from __future__ import annotations

import time
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

HEADER = "stripe-signature"


async def verify(request: Request, *, secret: Secret, tolerance: float | None = TOLERANCE) -> dict[str, Any]:
    """The event of a request that Stripe signed, as Stripe writes it: `event["type"]`, `event["data"]["object"]`.

    secret: the endpoint's `whsec_…`, or several. tolerance: seconds, in both directions.
    Raises InvalidSignature (400), BodyTooLarge (413), StartupError for an empty secret.
    """
    return await Verifier(secret, tolerance=tolerance)(request)


class Verifier:
    """`verify` with its settings checked once: made where a module is imported, a missing secret stops the start."""

    __slots__ = ("_keys", "_tolerance")

    def __init__(self, secret: Secret, *, tolerance: float | None = TOLERANCE) -> None:
        self._keys = read_secrets(secret)
        self._tolerance = check_tolerance(tolerance)

    async def __call__(self, request: Request) -> dict[str, Any]:
        """As verify()."""
        stamp, given = _parse(one_header(request, HEADER))
        check_time(stamp, self._tolerance)
        body = await request.bytes()
        expected = [digest(key, stamp.encode("ascii"), b".", body).hex().encode("ascii") for key in self._keys]
        require_match(expected, given)
        return read_object(body)


def sign(body: bytes, secret: str, *, timestamp: int | None = None) -> str:
    """The Stripe-Signature header for `body`, for tests. timestamp: seconds, now unless given."""
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    return f"t={stamp},v1={digest(secret.encode(), stamp.encode('ascii'), b'.', body).hex()}"


def _parse(header: str) -> tuple[str, list[str]]:
    """The timestamp and the v1 signatures; items of other versions are passed over, as Stripe asks."""
    stamps, given = [], []
    for item in header.split(","):
        name, _, value = item.strip(" \t").partition("=")
        if name == "t":
            stamps.append(value)
        elif name == "v1":
            given.append(value)
    if len(stamps) != 1:
        raise InvalidSignature("Stripe-Signature must hold one timestamp")
    return stamps[0], given
