"""What kind of file some bytes are, by the bytes themselves: names and content types are a client's claims.

Knows the kinds that are uploaded to web sites. A kind without a mark of its own is the one that it is made of: a CSV
file is text/plain, a Word document application/zip. Time does not grow with the file: its first bytes decide.
Source: MIME Sniffing standard, sections 6 and 7, and the formats' own descriptions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

SNIFF_SIZE: Final = 1445  # bytes that are looked at, as browsers do
UNKNOWN: Final = "application/octet-stream"
TEXT: Final = "text/plain"

# (offset, bytes, type)
_MAGIC: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"\xff\x0a", "image/jxl"),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"%!PS-Adobe-", "application/postscript"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"(\xb5/\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf'\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (257, b"ustar", "application/x-tar"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (0, b"fLaC", "audio/flac"),
    (0, b"MThd\x00\x00\x00\x06", "audio/midi"),
    (0, b"OggS\x00", "application/ogg"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"\x00\x00\x01\xb3", "video/mpeg"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"OTTO", "font/otf"),
    (0, b"\x00\x01\x00\x00\x00", "font/ttf"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"\x00asm", "application/wasm"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
)  # fmt: skip
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS: Final = {
    b"avif": "image/avif", b"avis": "image/avif", b"heic": "image/heic", b"heix": "image/heic", b"hevc": "image/heic",
    b"mif1": "image/heic", b"msf1": "image/heic", b"qt  ": "video/quicktime", b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4", b"3gp4": "video/3gpp", b"3gp5": "video/3gpp", b"3gp6": "video/3gpp",
}  # fmt: skip
_OTHER_TYPES: Final = ("video/mp4", "video/webm", "video/x-matroska", "audio/aiff", "text/html", "text/xml",
                       "image/svg+xml", TEXT, UNKNOWN)  # fmt: skip

_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_HTML = re.compile(
    rb"<(!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|B|BODY|BR|P|META|LINK|FORM|IMG|OBJECT"
    rb"|EMBED|SPAN|VIDEO|AUDIO|MATH|INPUT|BUTTON|TEMPLATE|BASE)[ \t\r\n\f/>]|<!--",
    re.IGNORECASE,
)
_SVG = re.compile(rb"<(?:[A-Za-z]{1,20}:)?svg[ \t\r\n/>]", re.IGNORECASE)

_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
# What has no mark of its own → what it is made of; other names of one type → the usual one.
_MADE_OF: Final = {
    **dict.fromkeys(
        (f"{_OFFICE}wordprocessingml.document", f"{_OFFICE}spreadsheetml.sheet",
         f"{_OFFICE}presentationml.presentation", f"{_OPEN}text", f"{_OPEN}spreadsheet", f"{_OPEN}presentation",
         "application/epub+zip", "application/java-archive", "application/x-zip-compressed"),
        "application/zip",
    ),
    **dict.fromkeys(
        ("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
         "application/vnd.ms-outlook"),
        "application/x-ole-storage",
    ),
    **dict.fromkeys(
        ("text/csv", "text/tab-separated-values", "text/markdown", "text/css", "text/javascript", "text/calendar",
         "text/vcard", "text/vtt", "application/json", "application/ld+json", "application/x-ndjson",
         "application/geo+json", "application/javascript", "application/yaml", "application/toml", "application/sql",
         "application/x-pem-file"),
        TEXT,
    ),
    **dict.fromkeys(("audio/ogg", "video/ogg", "audio/opus"), "application/ogg"),
    "application/xml": "text/xml", "application/xhtml+xml": "text/xml", "application/gpx+xml": "text/xml",
    "image/jpg": "image/jpeg", "image/heif": "image/heic", "image/vnd.microsoft.icon": "image/x-icon",
    "image/x-ms-bmp": "image/bmp", "audio/mp3": "audio/mpeg", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav",
    "audio/x-m4a": "audio/mp4", "audio/x-flac": "audio/flac", "application/x-gzip": "application/gzip",
    "application/x-pdf": "application/pdf", "text/rtf": "application/rtf", "application/x-rar-compressed":
    "application/vnd.rar", "application/x-sqlite3": "application/vnd.sqlite3", "video/avi": "video/x-msvideo",
    "audio/webm": "video/webm", "audio/x-aiff": "audio/aiff",
}  # fmt: skip
_KNOWN: Final = frozenset((*(item[2] for item in _MAGIC), *_RIFF.values(), *_BRANDS.values(), *_OTHER_TYPES))
_FAMILIES: Final = frozenset(name.partition("/")[0] for name in _KNOWN)


def sniff(head: bytes | bytearray) -> str:
    """The media type of a file that begins with `head`; SNIFF_SIZE bytes are enough.

    "text/plain" for text without a mark, "application/octet-stream" for anything else that is not known.
    """
    head = bytes(head[:SNIFF_SIZE])
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset) and not (len(magic) == 2 and _is_text(head)):
            return kind
    # Markup counts with binary bytes in it too: it does for browsers that are left to guess.
    return _boxed(head) or _markup(head) or (TEXT if _is_text(head) else UNKNOWN)


def _is_text(head: bytes) -> bool:
    return head.startswith((b"\xfe\xff", b"\xff\xfe")) or _BINARY.search(head) is None


def _boxed(head: bytes) -> str | None:
    """A format whose mark says only how it is packed: what is inside stands behind it."""
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"mif1", b"msf1") and b"avif" in head[16 : int.from_bytes(head[:4], "big")]:
            return "image/avif"
        return _BRANDS.get(brand, "video/mp4")
    if head[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    return None


def _markup(head: bytes) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\f")
    html = _HTML.match(text)
    if html is not None and html.group(1) is not None:
        return "text/html"
    if text.startswith(b"<") and _SVG.search(text) is not None:
        return "image/svg+xml"
    if text[:5] == b"<?xml":
        return "text/xml"
    return None if html is None else "text/html"


def is_accepted(sniffed: str, accept: Iterable[str]) -> bool:
    """Whether bytes that sniff() calls `sniffed` are of one of the types `accept`, as "image/png" or "image/*"."""
    whole, families = _wanted(tuple(accept))
    return sniffed in whole or sniffed.partition("/")[0] in families


@lru_cache(maxsize=256)
def _wanted(accept: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    whole: set[str] = set()
    families: set[str] = set()
    for entry in accept:
        name = entry.strip().lower()
        family, _, rest = name.partition("/")
        if rest == "*" and family in _FAMILIES:
            families.add(family)
        elif (kind := _MADE_OF.get(name, name)) in _KNOWN:
            whole.add(kind)
        else:
            raise ValueError(f"accept={entry!r}: no file is recognised as that type by its bytes")
    return frozenset(whole), frozenset(families)


def checked_accept(accept: Iterable[str] | str | None) -> tuple[str, ...] | None:
    """`accept` as a tuple. Raises ValueError for a type that no bytes could ever be of."""
    if accept is None:
        return None
    types = (accept,) if isinstance(accept, str) else tuple(accept)
    _wanted(types)
    return types
