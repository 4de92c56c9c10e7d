"""Percent-encoding: text ↔ the escapes of query strings, forms and cookies.

Two readings of an escape live side by side on purpose. A form or query reads leniently, as the URL standard has it: a
bad escape stays as it is, bad UTF-8 becomes U+FFFD. A cookie reads strictly, as JavaScript's decodeURIComponent does.
Knows nothing of pairs, separators or URLs. (`urllib.parse` would escape as well, and brings `ipaddress` into
every program that imports Waypost: 2 to 3 ms.)
"""

from __future__ import annotations

from functools import cache
from typing import Final

_DIGITS = "0123456789abcdefABCDEF"
_BYTES = {high + low: bytes((int(high + low, 16),)) for high in _DIGITS for low in _DIGITS}
_ALWAYS_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3
_ASCII = {digits: byte.decode("ascii") for digits, byte in _BYTES.items() if byte[0] < 0x80}


def scalar_text(text: str) -> str:
    """text with U+FFFD in the place of each lone surrogate (Web IDL, USVString); almost always text itself."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # utf-16 with surrogatepass joins a high and a low half that stand together and leaves single ones to fail.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def decode_form(text: str) -> str:
    """One name or value of application/x-www-form-urlencoded: `+` is a space, bad escapes stay, bad UTF-8 → U+FFFD.

    Source: URL standard, application/x-www-form-urlencoded parsing.
    """
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return scalar_text(text)
    head, *parts = text.split("%")
    try:
        # Nearly every escape is of an ASCII character: then the text is put together without a detour through bytes.
        return scalar_text(head + "".join([_ASCII[part[:2]] + part[2:] for part in parts]))
    except KeyError:
        return decode_octets(scalar_text(text).encode()).decode("utf-8", "replace")


def decode_octets(octets: bytes) -> bytes:
    """octets with their escapes decoded; a bad escape stays as it is."""
    head, *parts = octets.split(b"%")
    out = [head]
    for part in parts:
        byte = _BYTES.get(part[:2].decode("latin-1"))
        if byte is None:
            out.append(b"%")
            out.append(part)
        else:
            out.append(byte)
            out.append(part[2:])
    return b"".join(out)


def decode_component(text: str) -> str | None:
    """text with its escapes decoded as decodeURIComponent does; None for a bad escape or bad UTF-8."""
    if "%" not in text:
        return text
    head, *parts = text.split("%")
    out = [head.encode("utf-8", "surrogatepass")]
    for part in parts:
        byte = _BYTES.get(part[:2])
        if byte is None:
            return None
        out.append(byte)
        out.append(part[2:].encode("utf-8", "surrogatepass"))
    try:
        return b"".join(out).decode("utf-8")
    except UnicodeDecodeError:
        return None


def encode_component(text: str) -> str:
    """text as encodeURIComponent gives it: all but letters, digits and `-_.!~*'()` escaped.

    Raises ValueError for a lone surrogate.
    """
    return text if text.isascii() and text.isalnum() else escape(text, "!*'()")


def encode_form(text: str) -> str:
    """text as one name or value of application/x-www-form-urlencoded.

    `+` for a space; all but letters, digits and `*-._` escaped.
    """
    if text.isascii() and text.isalnum():
        return text
    # The form encoding is the one that escapes `~`.
    return escape(scalar_text(text), "* ").replace("~", "%7E").replace(" ", "+")


def escape(text: str, plain: str, errors: str = "strict") -> str:
    """text in UTF-8 with all escaped but letters, digits, `-._~` and the ASCII characters of `plain`.

    errors: what a lone surrogate is, as for str.encode. Raises ValueError for one unless told otherwise.
    """
    table = _escapes(plain)
    return "".join([table[octet] for octet in text.encode("utf-8", errors)])


@cache
def _escapes(plain: str) -> tuple[str, ...]:
    kept = _ALWAYS_PLAIN | set(plain.encode("ascii"))
    return tuple(chr(octet) if octet in kept else f"%{octet:02X}" for octet in range(256))
