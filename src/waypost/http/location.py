"""Where a redirect may point: text from a program → the bytes of a Location header.

Source: RFC 9110 section 10.2.2; URL standard.
"""

from __future__ import annotations

import re

from waypost.errors import InvalidHeaderError
from waypost.http.url import URL

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_SLASHES = re.compile(r"[/\\]+")
_SAFE = frozenset(range(0x21, 0x7F)) - frozenset(b'"<>\\^`{|}')


def render_location(target: str | URL) -> str:
    """A Location value for an absolute http(s) URL or for a path, query or fragment of this site.

    A relative target stays relative and stays on this site: `//evil.example` and `/\\evil.example`, which browsers
    read as another host, become paths. Characters that no URL holds are percent-encoded.
    Raises InvalidHeaderError for control characters inside the target and for schemes other than http and https.
    """
    text = str(target).strip(" ")
    if "\x00" in text or "\r" in text or "\n" in text or "\t" in text:
        raise InvalidHeaderError("a redirect target must not hold control characters")
    if _ABSOLUTE.match(text):
        url = URL(text)
        if url.protocol not in ("http:", "https:"):
            raise InvalidHeaderError(f"a redirect can't go to a {url.protocol} URL")
        return url.href
    if text[:1] in ("/", "\\"):
        # Two leading slashes name another host to a browser: without this, redirect(user_input) leaves the site.
        lead = _SLASHES.match(text)
        text = "/" + text[lead.end() if lead else 1 :]
    return "".join(_escape(character) for character in text)


def _escape(character: str) -> str:
    if ord(character) in _SAFE:
        return character
    if _CONTROL.match(character) and character != " ":
        raise InvalidHeaderError("a redirect target must not hold control characters")
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
