"""Percent-encoding: text ↔ the escapes of query strings, forms and cookies.

Two readings of an escape live side by side on purpose. A form or query reads leniently, as the URL standard has it: a
bad escape stays as it is, bad UTF-8 becomes U+FFFD. A cookie reads strictly, as JavaScript's decodeURIComponent does.
Knows nothing of pairs, separators or URLs.
"""

from __future__ import annotations

from urllib.parse import quote

_DIGITS = "0123456789abcdefABCDEF"
_BYTES = {high + low: bytes((int(high + low, 16),)) for high in _DIGITS for low in _DIGITS}
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
        return _decode_bytes(scalar_text(text)).decode("utf-8", "replace")


def _decode_bytes(text: str) -> bytes:
    head, *parts = text.encode("utf-8").split(b"%")
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
    return text if text.isascii() and text.isalnum() else quote(text, safe="!~*'()")


def encode_form(text: str) -> str:
    """text as one name or value of application/x-www-form-urlencoded.

    `+` for a space; all but letters, digits and `*-._` escaped.
    """
    if text.isascii() and text.isalnum():
        return text
    # quote() never escapes `~`, which the form encoding does.
    return quote(scalar_text(text), safe="*-._ ").replace("~", "%7E").replace(" ", "+")
