"""The Host of a request: whether its bytes are one, and its two parts.

A Host that passes here is safe to build a URL of: it holds no `/`, `?`, `#`, `@` that would move the border between
host and path. Stricter than RFC 3986, whose reg-name also takes escapes and `!$&'()*+,;=`: no host has them, and
programs disagree about what they mean. Knows nothing of which hosts this site answers to.
Source: RFC 9112 section 3.2, RFC 3986 section 3.2.2, URL standard (host parsing).
"""

from __future__ import annotations

import re
import socket
from typing import Final

from waypost.errors import InvalidHost

# Clients choose the Host, so what is remembered must have a bound; a site sees a handful of true ones.
_REMEMBERED = 256
_valid: dict[bytes, bool] = {}

#: What follows a host, where the scheme's own port is written out.
DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}

_NAME = re.compile(rb"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_MAX_NAME = 254  # 253 and a last dot, RFC 1035 section 2.3.4
_NUMBER = re.compile(rb"[0-9]+|0[xX][0-9A-Fa-f]*")


def valid_host(value: bytes) -> bool:
    """Whether value is a Host header that a URL can be built of: a name, IPv4 or [IPv6], with or without a port.

    One dict look-up for a host seen before.
    """
    if value in _valid:
        return True
    if not _check(value):
        return False
    if len(_valid) >= _REMEMBERED:
        _valid.clear()
    _valid[value] = True
    return True


def split_host(text: str) -> tuple[str, int | None]:
    """(host name, port) of a Host header's text; an IPv6 address keeps its brackets. Raises InvalidHost."""
    if not text.isascii() or not valid_host(text.encode("ascii")):
        raise InvalidHost("invalid Host header")
    end = text.rfind("]")
    name, _, port = text[end + 1 :].partition(":")
    return text[: end + 1] + name, int(port) if port else None


def _check(value: bytes) -> bool:
    if value[:1] == b"[":
        address, bracket, rest = value[1:].partition(b"]")
        return bracket == b"]" and (rest == b"" or (rest[:1] == b":" and _port(rest[1:]))) and _ipv6(address)
    name, colon, port = value.partition(b":")
    if colon and not _port(port):
        return False
    if len(name) > _MAX_NAME or _NAME.fullmatch(name) is None:
        return False
    labels = name.lower().removesuffix(b".").split(b".")
    if _NUMBER.fullmatch(labels[-1]) is not None:
        return _ipv4(labels)
    return b"xn--" not in labels  # the mark of an international name with no name after it


def _port(text: bytes) -> bool:
    # Empty is allowed by RFC 3986 and means the scheme's own. isdigit() of bytes is ASCII only.
    return text == b"" or (text.isdigit() and len(text) <= 5 and int(text) <= 65535)


def _ipv6(text: bytes) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6, text.decode("ascii"))
    except (OSError, ValueError):
        return False
    return True


def _ipv4(labels: list[bytes]) -> bool:
    """Whether a name that ends in a number is an IPv4 address in one of its spellings (`127.1`, `0x7f000001`)."""
    if len(labels) > 4:
        return False
    numbers = []
    for label in labels:
        if _NUMBER.fullmatch(label) is None:
            return False
        base, digits = 10, label
        if label[:2] == b"0x":
            base, digits = 16, label[2:] or b"0"
        elif label[:1] == b"0" and len(label) > 1:
            base = 8
        try:
            numbers.append(int(digits, base))
        except ValueError:
            return False
    last = numbers.pop()
    return all(number <= 255 for number in numbers) and last < 256 ** (4 - len(numbers))
