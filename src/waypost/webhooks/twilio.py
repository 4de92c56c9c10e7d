"""Twilio's requests: `X-Twilio-Signature`, HMAC over the URL and the sorted form fields, or the URL and a body digest.

The URL is signed as Twilio was told it: behind a proxy that is not configured as trusted, name it with url=. Nothing
that is signed holds a time: a request can be sent again for ever, so handle each MessageSid or CallSid once.
Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Any, Literal

from waypost.errors import StartupError
from waypost.http.host import DEFAULT_PORTS
from waypost.http.query import parse_query
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

HEADER = "x-twilio-signature"


async def verify(
    request: Request, *, secret: Secret, url: str | None = None, algorithm: Literal["sha1", "sha256"] = "sha1"
) -> dict[str, Any]:
    """What Twilio sent: the fields of its form (of equal names the last), the query of a GET, or its JSON.

    secret: the account's auth token, or several. url: the address that Twilio was told, with its query; the request's
    own unless given. algorithm: "sha256" for an endpoint that was set up with a shared key.
    Raises InvalidSignature (400), BodyTooLarge (413), StartupError for an empty secret.
    """
    return await Verifier(secret, algorithm=algorithm)(request, url)


class Verifier:
    """`verify` with its settings checked once, where the module is imported."""

    __slots__ = ("_algorithm", "_keys")

    def __init__(self, secret: Secret, *, algorithm: Literal["sha1", "sha256"] = "sha1") -> None:
        if algorithm not in ("sha1", "sha256"):
            raise StartupError(f"Twilio does not sign with {algorithm!r}", remedy='Use "sha1" or "sha256".')
        self._keys = read_secrets(secret)
        self._algorithm = algorithm

    async def __call__(self, request: Request, url: str | None = None) -> dict[str, Any]:
        """As verify()."""
        given = one_header(request, HEADER)
        body = await request.bytes()
        address = url or request.url
        query = parse_query(address.partition("?")[2].partition("#")[0])
        digests = [value for name, value in query if name == "bodySHA256"]
        form = [] if digests else self._form(request, body)
        signed = _form_text(form)
        expected = [
            base64.b64encode(digest(key, spelling.encode(), signed, algorithm=self._algorithm))
            for key in self._keys
            for spelling in _spellings(address)
        ]
        require_match(expected, [given])
        if digests:
            return _json(body, digests)
        return dict(form) if form else dict(query)

    def _form(self, request: Request, body: bytes) -> list[tuple[str, str]]:
        media_type = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
        if media_type == "application/x-www-form-urlencoded":
            return parse_urlencoded(body)
        if body:
            # Its signature would cover the URL alone, and anyone could change such a body.
            raise InvalidSignature("the body is neither a form nor covered by bodySHA256")
        return []


def sign(
    url: str, fields: Iterable[tuple[str, str]], secret: str, *, algorithm: Literal["sha1", "sha256"] = "sha1"
) -> str:
    """The X-Twilio-Signature header for a form, for tests; no fields for a GET, or for JSON with bodySHA256 in url."""
    mac = digest(secret.encode(), url.encode(), _form_text(fields), algorithm=algorithm)
    return base64.b64encode(mac).decode("ascii")


def _form_text(fields: Iterable[tuple[str, str]]) -> bytes:
    """Names and values without anything between them, each pair once, sorted."""
    return "".join(name + value for name, value in sorted(set(fields))).encode("utf-8", "surrogatepass")


def _spellings(url: str) -> list[str]:
    """The URL with and without the scheme's own port, since Twilio signs either."""
    scheme, _, rest = url.partition("://")
    end = min((place for mark in "/?#" if (place := rest.find(mark)) >= 0), default=len(rest))
    authority, tail = rest[:end], rest[end:]
    port = DEFAULT_PORTS.get(scheme, "")
    if port and authority.endswith(port):
        return [url, f"{scheme}://{authority.removesuffix(port)}{tail}"]
    if port and not authority.rpartition("]")[2].count(":"):
        return [url, f"{scheme}://{authority}{port}{tail}"]
    return [url]


def _json(body: bytes, digests: list[str]) -> dict[str, Any]:
    actual = hashlib.sha256(body).hexdigest().encode("ascii")
    if len(digests) != 1 or not hmac.compare_digest(actual, digests[0].lower().encode("utf-8", "replace")):
        raise InvalidSignature("bodySHA256 does not match the body")
    return read_object(body)
