"""The one spelling of a request path, and what its segments mean.

`canonical_path` says where a path that is spelled otherwise is redirected; `decode_path` splits and decodes a path.
Everything that decides by path (router, middleware) has to use these two: where two parts of a program read one path
differently, a guard can be walked around. Knows no routes.
Source: RFC 3986 sections 2.1, 3.3 and 5.2.4; URL standard (dot segments); Next.js, `trailingSlash`.
"""

from __future__ import annotations

import re
from codecs import unicode_escape_decode
from typing import Final

from waypost.errors import InvalidPath

#: What stays in a path when the rest is escaped: RFC 3986's pchar, the slash, and the escapes that it has already.
PATH_SAFE: Final = "/!$&'()*+,;=:@-._~%"
_FILE_NAME: Final = re.compile(r"[^/]+\.[A-Za-z0-9_]+")
# The spellings of `.` and `..` (URL standard, single-dot and double-dot path segment) → how many folders they go up.
_DOTS: Final[dict[str, int]] = dict.fromkeys((".", "%2e", "%2E"), 0)
_DOTS.update({one + other: 1 for one in tuple(_DOTS) for other in tuple(_DOTS)})


def canonical_path(
    path: str, *, trailing_slash: bool = False, keep_slash: bool = False, base_path: str = ""
) -> str | None:
    """The path that `path` should have been, or None when it is right as it is.

    path: as sent, without the query. Repeated slashes become one, a backslash counts as a slash, dot segments
    (`.`, `..` and their `%2e` forms) are resolved, all in one step. The trailing slash goes away; with
    trailing_slash it is added instead, except after a file name (`data.json`), and left alone after any other name
    with a dot and below `/.well-known/`. keep_slash: leave it alone everywhere. Outside base_path, too.
    The result is ASCII, starts with exactly one slash and is its own canonical path; escapes stay as sent.
    Raises InvalidPath when a path that needs correction holds what no path may (control characters, non-ASCII).
    Cost: five substring searches for a path that is right.
    """
    ends_with_slash = path[-1:] == "/"
    if "//" not in path and "\\" not in path and "/." not in path and "/%2" not in path:
        if trailing_slash:
            if ends_with_slash and "." not in path:
                return None
        elif not ends_with_slash or path == "/":
            return None
    if path[:1] not in ("/", "\\"):
        return None
    if not path.isascii() or not path.isprintable() or " " in path:
        # Browsers drop a tab inside a Location: "/<tab>/evil.example" would lead to another host.
        raise InvalidPath("the path holds a character that must be percent-encoded")
    segments, slash = _resolve(path.replace("\\", "/"))
    resolved = "/" + "/".join(segments)
    if not keep_slash:
        slash = _wants_slash(segments, resolved, slash, trailing_slash, base_path)
    result = resolved + "/" if slash and segments else resolved
    return result if result != path else None


def _resolve(path: str) -> tuple[list[str], bool]:
    """Drop empty and dot segments. The flag says whether the path named a folder: it ended in a slash or in dots."""
    kept: list[str] = []
    parts = path.split("/")
    for part in parts:
        up = _DOTS.get(part)
        if up is None:
            if part:
                kept.append(part)
        elif up and kept:
            kept.pop()
    return kept, not parts[-1] or parts[-1] in _DOTS


def _wants_slash(segments: list[str], resolved: str, slash: bool, trailing_slash: bool, base_path: str) -> bool:
    if base_path and resolved != base_path and not resolved.startswith(base_path + "/"):
        return slash
    if not trailing_slash:
        return False
    below = segments[base_path.count("/") :]
    if not below:
        return True
    if below[0] == ".well-known":
        return slash
    if "." not in below[-1]:
        return True
    return slash and not _FILE_NAME.fullmatch(below[-1])


def decode_path(path: str) -> list[str]:
    """Split `path` at its slashes and percent-decode each segment once, as UTF-8.

    path: as sent, starts with `/`, without the query. The first item is the empty text before the first slash.
    `%2F` stays inside its segment and `+` is itself.
    Raises InvalidPath for an escape that is cut short or not hexadecimal, for bytes that are not UTF-8, for NUL, and
    for characters that have to be sent as escapes.
    """
    text = decode_text(path)
    parts = text.split("/")
    return [part.replace("\0", "/") for part in parts] if "\0" in text else parts


def decode_text(path: str) -> str:
    """The path in one piece, decoded as decode_path does; an encoded slash is a NUL, which no path holds."""
    if not path.isascii() or "\0" in path:
        raise InvalidPath("the path holds a character that must be percent-encoded")
    if "%" not in path:
        return path
    if "%00" in path:
        raise InvalidPath("the path holds a NUL character")
    # NUL is refused, so that it can stand for the encoded slashes while the path is decoded in one go.
    path = path.replace("%2F", "\0").replace("%2f", "\0")
    if "\\" in path:
        path = path.replace("\\", "\\\\")
    try:
        # The escapes of a Python literal, \xXX, are strict about two hexadecimal digits and decoded in C: a 64 KB path
        # takes 0.3 ms, a loop over its escapes 5 ms.
        octets = unicode_escape_decode(path.replace("%", "\\x"))[0].encode("latin-1")
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidPath("the path has a malformed percent-escape, or is not UTF-8") from None
