"""Content-Type values, read by the grammar and nothing else.

One parser for every place that looks at a content type, so that no two of them can disagree about what
`application/json\\ta` is. Time is linear in the length of the value. Knows no registry of types and decodes no bodies.
Source: RFC 9110 sections 5.6.2 to 5.6.6 and 8.3.1.
"""

from __future__ import annotations

import re

import msgspec

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
# Possessive quantifiers throughout: a part that matched is never given back, so no input makes the match backtrack.
_QUOTED = r'"((?:[\t !#-\[\]-~\x80-\xff]++|\\[\t -~\x80-\xff])*+)"'
_ESSENCE = re.compile(rf"[ \t]*+({_TOKEN}/{_TOKEN})[ \t]*+")
_PARAMETER = re.compile(rf"(?:;[ \t]*+)++(?:({_TOKEN})=(?:({_TOKEN})|{_QUOTED}))?+[ \t]*+")
_ESCAPE = re.compile(r"\\(.)")


class MediaType(msgspec.Struct, frozen=True):
    """A content type. essence: `type/subtype` in lower case. parameters: names in lower case, values as meant."""

    essence: str
    parameters: dict[str, str]

    def __str__(self) -> str:
        parameters = "".join(f";{name}={quote_parameter(value)}" for name, value in self.parameters.items())
        return self.essence + parameters


def media_essence(value: str | None) -> str:
    """`type/subtype` in lower case; "" when there is none or when what stands before the first `;` is no type.

    The parameters are not looked at: use parse_media_type where they count.
    """
    if value is None:
        return ""
    match = _ESSENCE.match(value)
    if match is None or (match.end() != len(value) and value[match.end()] != ";"):
        return ""
    return match.group(1).lower()


def is_json(value: str | None) -> bool:
    """Whether a Content-Type says JSON: `application/json` or a `+json` type, with well-formed parameters."""
    essence = media_essence(value)
    if essence != "application/json" and not essence.endswith("+json"):
        return False
    return parse_media_type(value or "") is not None


def parse_media_type(value: str) -> MediaType | None:
    """The type with its parameters; None when value breaks the grammar anywhere or names a parameter twice."""
    match = _ESSENCE.match(value)
    if match is None:
        return None
    essence = match.group(1).lower()
    parameters: dict[str, str] = {}
    position, end = match.end(), len(value)
    while position < end:
        match = _PARAMETER.match(value, position)
        if match is None:
            return None
        position = match.end()
        name = match.group(1)
        if name is None:
            continue
        name = name.lower()
        if name in parameters:
            # Two readers would each believe a different one: with `boundary` that is a way past a filter.
            return None
        token, quoted = match.group(2, 3)
        parameters[name] = token if token is not None else _ESCAPE.sub(r"\1", quoted)
    return MediaType(essence, parameters)


def quote_parameter(value: str) -> str:
    """value as it stands after a `=`: bare when it is a token, else in quotes with `"` and `\\` escaped."""
    if re.fullmatch(_TOKEN, value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
