"""GitHub's webhooks: `X-Hub-Signature-256: sha256=…`, HMAC-SHA256 over the body.

The signature covers neither a time nor the other headers: the name of the event and the id of the delivery are what
the sender says, so whoever has seen one delivery can send its body again under another id. `GitHubEvent.key` is of the
body alone, for the one who must not handle it twice.
Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from waypost.http.request import Request
from waypost.http.urlencoded import parse_urlencoded
from waypost.webhooks.signature import (
    InvalidSignature,
    Secret,
    digest,
    one_header,
    read_object,
    read_secrets,
    require_match,
)

HEADER = "x-hub-signature-256"


@dataclass(frozen=True, slots=True)
class GitHubEvent:
    """A delivery. name: "push", "pull_request" …; delivery: GitHub's id of it, the same when it is sent again.

    payload: the event. key: a digest of the signed body, for Replay.once.
    """

    name: str
    delivery: str
    payload: dict[str, Any]
    key: str


async def verify(request: Request, *, secret: Secret) -> GitHubEvent:
    """The event of a request that GitHub signed. Raises InvalidSignature (400), BodyTooLarge (413).

    secret: the webhook's secret, or several. The older SHA-1 header is not looked at.
    """
    return await Verifier(secret)(request)


class Verifier:
    """`verify` with its settings checked once, where the module is imported."""

    __slots__ = ("_keys",)

    def __init__(self, secret: Secret) -> None:
        self._keys = read_secrets(secret)

    async def __call__(self, request: Request) -> GitHubEvent:
        """As verify()."""
        version, _, given = one_header(request, HEADER).partition("=")
        if version != "sha256":
            raise InvalidSignature("X-Hub-Signature-256 must begin with sha256=")
        body = await request.bytes()
        require_match([digest(key, body).hex().encode("ascii") for key in self._keys], [given])
        name, delivery = one_header(request, "x-github-event"), one_header(request, "x-github-delivery")
        key = digest(b"github", body).hex()
        return GitHubEvent(name, delivery, read_object(_payload(request, body)), key)


def sign(body: bytes, secret: str) -> str:
    """The X-Hub-Signature-256 header for `body`, for tests."""
    return f"sha256={digest(secret.encode(), body).hex()}"


def _payload(request: Request, body: bytes) -> bytes:
    """The JSON: the body, or the form field that GitHub puts it into when the webhook is set up so."""
    media_type = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        return body
    values = [value for name, value in parse_urlencoded(body) if name == "payload"]
    if len(values) != 1:
        raise InvalidSignature("the form is signed but has no payload")
    return values[0].encode()
