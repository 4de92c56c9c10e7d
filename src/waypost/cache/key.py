"""Keys and tags: what an entry is filed under, and what reaches it.

A static handler is given the method GET, the canonical path, its parameters, and nothing else of the request; so the
path is the whole key. A cached function is given its arguments; so they are, with its name. Keys are exact: texts
that differ in one byte are different keys.
Knows no store. Source: Next.js, cacheTag (limits), "implicit tags" of paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias

from waypost.errors import CacheUsageError
from waypost.http.percent import escape

PathKind: TypeAlias = Literal["page", "layout"]

MAX_TAG: Final = 256  # characters
MAX_TAGS: Final = 128  # of one call
MAX_PATH: Final = 1024  # characters of a path that revalidate_path takes
# A path of more segments is answered and not stored: its entry would carry a tag for each folder above it.
MAX_DEPTH: Final = 64

_LONG: Final = 200
# A user's tag has no control characters, so these tags are nobody else's.
_EXACT, _PAGE, _LAYOUT = "\x1fpath:", "\x1fpage:", "\x1flayout:"


def encode_part(part: str) -> str:
    """One decoded segment of a path in the one spelling that keys and tags have: what RFC 3986 allows, else %XX."""
    return part if part.isascii() and part.isalnum() else escape(part, "!$&'()*+,;=:@", "surrogatepass")


def route_key(path: str) -> str:
    """The key of a static handler's answer. path: canonical and percent-encoded, without base path and query."""
    return f"route:{path}" if len(path) <= _LONG else f"route#{_digest(path)}"


def data_key(kind: str, name: str, material: str) -> str:
    """The key of cached data. kind: "call" or "fetch"; name: of the function; material: everything it depends on."""
    return f"{kind}:{name[:_LONG]}#{_digest(f'{len(name)}:{name}{material}')}"


def _digest(text: str) -> str:
    from hashlib import sha256  # loads OpenSSL, which not every program needs

    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def path_tags(path: str, pattern: str) -> tuple[str, ...]:
    """The tags by which revalidate_path reaches what belongs to a path.

    path: canonical, "/posts/7"; pattern: of its route, "/posts/[id]".
    """
    layouts = dict.fromkeys((*_prefixes(path), *_prefixes(pattern)))
    return (_EXACT + path, _PAGE + pattern, *(_LAYOUT + prefix for prefix in layouts))


def _prefixes(path: str) -> Iterable[str]:
    yield "/"
    at = path.find("/", 1)
    while at != -1:
        yield path[:at]
        at = path.find("/", at + 1)
    if path != "/":
        yield path


def tags_of_path(path: object, kind: object) -> tuple[str, ...]:
    """What revalidate_path(path, kind) revalidates: a path's own answer, a pattern's, or all at and below either.

    Raises CacheUsageError for a path that can't be meant and for a pattern without a kind.
    """
    call = "revalidate_path"
    if not isinstance(path, str) or not path.startswith("/"):
        raise CacheUsageError(f"{call}: a path begins with a slash, not {path!r}")
    if len(path) > MAX_PATH:
        raise CacheUsageError(f"{call}: a path has at most {MAX_PATH} characters, not {len(path)}")
    if "?" in path or "#" in path:
        raise CacheUsageError(f"{call}: {path!r} has a query or fragment; an answer is cached for its path alone")
    if kind not in (None, "page", "layout"):
        raise CacheUsageError(f'{call}: the second argument is "page" or "layout", not {kind!r}')
    parts = path.rstrip("/").split("/")
    is_pattern = any(map(_is_parameter, parts))
    if is_pattern and kind is None:
        raise CacheUsageError(f'{call}: {path!r} is a pattern: say "page" for its answers, "layout" for all below it')
    from urllib.parse import unquote  # slow to import, and only a call of revalidate_path comes by here

    # Written with escapes or without, it is the same path.
    path = "/".join(part if _is_parameter(part) else encode_part(unquote(part)) for part in parts) or "/"
    if kind == "layout":
        return (_LAYOUT + path,)
    return (_PAGE + path,) if is_pattern else (_EXACT + path,)


def _is_parameter(part: str) -> bool:
    return part[:1] == "[" and part[-1:] == "]"


def check_tags(tags: object, call: str) -> tuple[str, ...]:
    """The tags, each once. call: the caller's name, for the error. Raises CacheUsageError for what is no tag."""
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise CacheUsageError(f"{call}: tags are a list of str, not {type(tags).__name__}")
    found: Sequence[object] = tuple(dict.fromkeys(tags))
    if len(found) > MAX_TAGS:
        raise CacheUsageError(f"{call}: an entry has at most {MAX_TAGS} tags, not {len(found)}")
    return tuple(check_tag(tag, call) for tag in found)


def check_tag(tag: object, call: str) -> str:
    """The tag. Raises CacheUsageError for an empty or too long one, and for control characters."""
    if not isinstance(tag, str):
        raise CacheUsageError(f"{call}: a tag is a str, not {type(tag).__name__}")
    if not tag or len(tag) > MAX_TAG:
        raise CacheUsageError(f"{call}: a tag has 1 to {MAX_TAG} characters, not {len(tag)}")
    if any(ord(character) < 0x20 for character in tag):
        raise CacheUsageError(f"{call}: a tag has no control characters: {tag!r}")
    return tag
