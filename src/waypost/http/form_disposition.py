"""Content-Disposition of a form's part: its name and its file name.

Browsers write `name="…"` with only `"`, CR and LF escaped (as %22, %0D, %0A) and leave backslashes alone; older clients
escape as in e-mail (`\\"`). The first reading is tried first: which one is meant shows in whether the line fits it to
its end. Knows nothing of other dispositions.
Source: HTML standard, "multipart/form-data"; RFC 7578 section 4.2; RFC 8187.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from waypost.errors import InvalidForm
from waypost.http.percent import decode_octets

_START = re.compile(r"[ \t]*+form-data[ \t]*+", re.IGNORECASE)
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_AS_BROWSERS = re.compile(rf';[ \t]*+({_TOKEN})=(?:"([^"]*+)"|({_TOKEN}))[ \t]*+')
_AS_MAIL = re.compile(rf';[ \t]*+({_TOKEN})=(?:"((?:[^"\\]|\\.)*+)"|({_TOKEN}))[ \t]*+')
_MAIL_ESCAPE = re.compile(r"\\(.)")
_EXTENDED = re.compile(r"utf-8'[0-9A-Za-z-]*+'([!#$&+\-.^_`|~0-9A-Za-z%]*+)\Z", re.IGNORECASE)


class Disposition(NamedTuple):
    """filename: None for a text field."""

    name: str
    filename: str | None


def parse_form_disposition(value: str) -> Disposition:
    """Name and file name out of a header value in latin-1. Raises InvalidForm when it breaks the grammar.

    The file name is what the client claims: it may hold slashes, dots and control characters.
    """
    start = _START.match(value)
    if start is None:
        raise InvalidForm("A part of the form is not form-data")
    parameters = _parameters(_AS_BROWSERS, value, start.end())
    if parameters is not None:
        parameters = {name: _browser_text(text) for name, text in parameters.items()}
    else:
        parameters = _parameters(_AS_MAIL, value, start.end())
        if parameters is None:
            raise InvalidForm("A part of the form has a malformed Content-Disposition")
        parameters = {name: _MAIL_ESCAPE.sub(r"\1", text) for name, text in parameters.items()}
    if "name" not in parameters:
        raise InvalidForm("A part of the form has no name")
    extended = parameters.get("filename*")
    if extended is not None:
        # RFC 7578 forbids it, yet some clients send it beside a mangled `filename`; it is the one that is right.
        return Disposition(_utf8(parameters["name"]), _extended_text(extended))
    filename = parameters.get("filename")
    return Disposition(_utf8(parameters["name"]), None if filename is None else _utf8(filename))


def _parameters(pattern: re.Pattern[str], value: str, position: int) -> dict[str, str] | None:
    found: dict[str, str] = {}
    while position < len(value):
        match = pattern.match(value, position)
        if match is None:
            return None
        name = match.group(1).lower()
        if name in found:
            raise InvalidForm("A part of the form names a parameter twice")
        found[name] = match.group(3) if match.group(2) is None else match.group(2)
        position = match.end()
    return found


def _browser_text(text: str) -> str:
    if "%" in text:
        return text.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
    return text


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "replace")


def _extended_text(text: str) -> str:
    match = _EXTENDED.match(text)
    if match is None:
        raise InvalidForm("A part of the form has a malformed file name")
    return decode_octets(match.group(1).encode()).decode("utf-8", "replace")
