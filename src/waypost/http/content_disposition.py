"""Content-Disposition of a response: the name under which a browser saves it.

The name may be anyone's: what comes out is one plain name for every system, and never a second parameter, a header of
its own or a path. Knows no files; form_disposition.py reads the header of the same name in forms.
Source: RFC 6266; RFC 8187; RFC 9110 section 5.6.4.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from waypost.http.file_names import is_device

_LONGEST = 200  # bytes of a name in UTF-8; file systems end at 255, and browsers add "(1)"
_ENDING = 16  # of these, bytes that a kept ending may have

# Control characters, what systems read as a separator, and marks that turn the reading direction: with those
# `gnp.exe` looks like `exe.png`.
_HARMFUL = re.compile('[\x00-\x1f\x7f-\x9f/\\\\:*?"<>|\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]')
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_FALLBACK = re.compile(r"[^ !#$&'()+,\-./0-9:;<=>@A-Z\[\]^_`a-z{|}~]")  # `%` too: some browsers decode it
_EXTENDED_SAFE = "!#$&+-.^_`|~"  # attr-char of RFC 8187 besides letters and digits


def content_disposition(filename: str, *, inline: bool = False) -> str:
    """The header's value: `attachment; filename="…"`, and `filename*=UTF-8''…` where ASCII does not hold the name.

    inline: for a browser to show it; the name is then the one it would save under. filename: made harmless, as
    plain_name() does.
    """
    name = plain_name(filename)
    fallback = _NOT_FALLBACK.sub("_", name)
    kind = "inline" if inline else "attachment"
    if fallback == name:
        return f'{kind}; filename="{name}"'
    return f"{kind}; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe=_EXTENDED_SAFE)}"


def plain_name(filename: str) -> str:
    """`filename` as one name that every system can save: what comes last of a path, harmful characters as `_`.

    A leading dot goes, a name that Windows keeps for a device gets a `_`, a long one is cut before its ending, and
    nothing becomes "download".
    """
    last = re.split(r"[/\\]", filename)[-1]
    name = _SURROGATE.sub("_", _HARMFUL.sub("_", last)).strip(" ").lstrip(".").rstrip(" .")
    name = _shortened(name) or "download"
    return f"_{name}" if is_device(name) else name


def _shortened(name: str) -> str:
    data = name.encode()
    if len(data) <= _LONGEST:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending.encode()) > _ENDING:
        stem, dot, ending = name, "", ""
    kept = stem.encode()[: _LONGEST - len((dot + ending).encode())].decode("utf-8", "ignore")
    return kept.rstrip(" .") + dot + ending
