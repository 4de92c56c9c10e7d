"""What a folder name means: static text, a parameter, a catch-all, a group, a private folder.

One folder is one segment of the URL. A name that can't be meant is refused here with the name to use instead.
Knows no file system: `scan.py` walks the folders, `table.py` matches paths.
Source: Next.js, "Dynamic Route Segments", "Route Groups" and "Project structure" (private folders, %5F).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from waypost.errors import StartupError

SegmentKind: TypeAlias = Literal["static", "param", "catch-all", "optional-catch-all", "group", "private"]

DYNAMIC: Final = frozenset(("param", "catch-all", "optional-catch-all"))
CATCH_ALL: Final = frozenset(("catch-all", "optional-catch-all"))

_INTERCEPTION: Final = re.compile(r"\(\.{1,3}\)")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})?")
_FOREIGN: Final = re.compile(r"\{(.*)\}|<(.*)>|:(.+)|\$(.+)", re.DOTALL)
# RFC 3986: the characters of a path segment that need no escape.
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@")
_FORMS: Final = "[id] is one segment, [...id] one or more, [[...id]] none or more"


@dataclass(frozen=True, slots=True)
class Segment:
    """One folder between `app/` and a route file.

    name: the decoded text of a static segment, the parameter's name, or the name of a group or private folder.
    folder: the name on disk.
    """

    kind: SegmentKind
    name: str
    folder: str

    @property
    def text(self) -> str:
        """How a pattern spells the segment: `[id]`, `posts`, `_under` for the folder `%5Funder`."""
        looks_special = self.kind == "static" and (self.name[0] == "(" or "[" in self.name or "]" in self.name)
        return self.name if self.kind == "static" and not looks_special else self.folder


def parse_segment(folder: str) -> Segment:
    """Read one folder name.

    A static name has its `%XX` escapes decoded (UTF-8) and is put into Unicode form NFC; a parameter name into NFKC,
    as Python does with argument names, so that `[ﬁle]` reaches the argument `file`.
    Raises StartupError, without a file, for a name that can't be a segment.
    """
    if not folder or not folder.isprintable():
        raise _refuse(folder, "holds a control character or bytes that are not UTF-8", "Rename the folder.")
    if folder[0] == "_":
        return Segment("private", folder[1:], folder)
    if folder[0] == "@":
        raise _refuse(
            folder,
            "would be a parallel route of Next.js, which Waypost has not",
            f"Rename the folder, or write %40{folder[1:]} for a segment that starts with @.",
        )
    if folder[0] == "(":
        return _parse_group(folder)
    if "[" in folder or "]" in folder:
        return _parse_parameter(folder)
    if foreign := _FOREIGN.fullmatch(folder):
        name = next(filter(None, foreign.groups()), "id").partition(":")[0]
        remedy = f"Write [{name}]; if these characters belong to the URL, write %{ord(folder[0]):02X} for the first."
        raise _refuse(folder, "is not how a parameter is written", remedy)
    return Segment("static", _decode_folder(folder), folder)


def _parse_group(folder: str) -> Segment:
    if _INTERCEPTION.match(folder):
        raise _refuse(
            folder,
            "would be an intercepting route of Next.js, which Waypost has not",
            "Rename the folder, or write %28 for a parenthesis that belongs to the URL.",
        )
    if len(folder) > 2 and folder[-1] == ")" and "(" not in folder[1:] and ")" not in folder[:-1]:
        return Segment("group", folder[1:-1], folder)
    what = "is a group without a name" if folder == "()" else "starts with a parenthesis but is not a (group)"
    raise _refuse(folder, what, "Write (name) for a group, or %28 for a parenthesis that belongs to the URL.")


def _parse_parameter(folder: str) -> Segment:
    kind: SegmentKind
    if folder.startswith("[[") and folder.endswith("]]"):
        kind, inner = "optional-catch-all", folder[2:-2]
    elif folder.startswith("[") and folder.endswith("]"):
        kind, inner = "param", folder[1:-1]
    else:
        kind, inner = "static", "["
    if "[" in inner or "]" in inner:
        paired = folder.count("[") == folder.count("]")
        what = "is only partly a parameter" if paired else "has brackets that don't pair"
        remedy = f"A parameter is the whole folder name: {_FORMS}. Write %5B and %5D for brackets of the URL."
        raise _refuse(folder, what, remedy)
    dots = len(inner) - len(inner.lstrip(".…"))
    name = unicodedata.normalize("NFKC", inner[dots:])
    if dots and inner[:dots] != "...":
        what = "has the character … for three dots" if "…" in inner[:dots] else "needs three dots for a catch-all"
        fixed = folder.replace(inner, "..." + inner[dots:])
        raise _refuse(folder, what, f"Write {fixed}.")
    if not name:
        raise _refuse(folder, "has no parameter name", f"{_FORMS}.")
    if not dots and kind == "optional-catch-all":
        raise _refuse(folder, "is optional without being a catch-all", f"Write [[...{name}]], or [{name}].")
    if dots and kind == "param":
        kind = "catch-all"
    if not name.replace("-", "_").isidentifier():
        raise _refuse(folder, f"has {name!r} as its parameter name", _name_remedy(name))
    return Segment(kind, name, folder)


def _name_remedy(name: str) -> str:
    plain, colon, annotation = name.partition(":")
    if colon and plain.isidentifier():
        return f"Write [{plain}], and `{plain}: {annotation}` as the handler's argument."
    return "A name has letters, digits, _ and -, and starts with a letter or _."


def _decode_folder(folder: str) -> str:
    """Decode the escapes of a static folder name; what would change the shape of the URL is refused."""
    if "%" not in folder:
        return unicodedata.normalize("NFC", folder)
    if any(escape[1] is None for escape in _ESCAPE.finditer(folder)):
        raise _refuse(folder, "has a % that starts no escape", "Write %25 for a percent sign.")
    encoded = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), "".join(_latin1(folder)))
    try:
        name = encoded.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        raise _refuse(folder, "has escapes that are not UTF-8", "Write the characters themselves.") from None
    if "/" in name or "\\" in name or not name.isprintable() or name in (".", ".."):
        raise _refuse(folder, "has an escape that no segment of a URL can hold", "Rename the folder.")
    return unicodedata.normalize("NFC", name)


def _latin1(folder: str) -> Iterable[str]:
    """The folder name with each character as its UTF-8 bytes, one latin-1 character a byte."""
    return (chr(byte) for byte in folder.encode("utf-8"))


def _refuse(folder: str, what: str, remedy: str) -> StartupError:
    shown = folder.encode("unicode_escape", "surrogatepass").decode("ascii") if not folder.isprintable() else folder
    return StartupError(f'the folder name "{shown}" {what}', remedy=remedy)


def check_segments(segments: Sequence[Segment]) -> StartupError | None:
    """Say what is wrong with these segments as one path: a name used twice, a catch-all that is not the last."""
    names: set[str] = set()
    dynamic = [segment for segment in segments if segment.kind in DYNAMIC]
    for segment in dynamic:
        if segment.name in names:
            return StartupError(
                f"the path {render_pattern(segments)} has two parameters called {segment.name}",
                remedy="Give one of the folders another name.",
            )
        names.add(segment.name)
    for segment in segments[:-1]:
        if segment.kind in CATCH_ALL:
            return StartupError(
                f"nothing can come after the catch-all {segment.folder}, which takes the rest of the path",
                remedy=f"Move the file into {segment.folder} itself, or use [{segment.name}] for a single segment.",
            )
    return None


def render_pattern(segments: Iterable[Segment]) -> str:
    """`/api/posts/[id]`: the URL segments as the folders spell them; groups must have been left out."""
    return "/" + "/".join(segment.text for segment in segments)


def encode_octet(octet: int) -> str:
    """One octet of a segment as browsers send it."""
    return chr(octet) if octet in _PLAIN else f"%{octet:02X}"


_ENCODED: Final = [encode_octet(octet) for octet in range(256)]


def encode_segment(name: str) -> str:
    """Percent-encode one decoded segment as browsers send it: `sp ace` → `sp%20ace`."""
    if name.isascii() and name.isalnum():
        return name
    return "".join(map(_ENCODED.__getitem__, name.encode("utf-8")))
