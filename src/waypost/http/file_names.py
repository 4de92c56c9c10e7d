"""Which names of files may come from a client: the rule that opening and offering files share.

The stricter of all systems counts everywhere: a project that is safe on Linux is safe on Windows. Touches no disk.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

_LONGEST = 255  # bytes; what file systems take
_DEEPEST = 64
# Windows opens a device for these names in every folder and with any ending.
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])[ ]*(\..*)?", re.IGNORECASE | re.DOTALL)
_FORBIDDEN = re.compile("[\x00-\x1f\x7f/\\\\\ud800-\udfff]")
_DRIVE = re.compile(r".:") if os.name != "nt" else re.compile(r".*:", re.DOTALL)  # `a.txt:x` is a stream there


def is_device(name: str) -> bool:
    """Whether Windows takes `name` for a device: `CON`, `nul.txt`."""
    return _DEVICE.fullmatch(name) is not None


def is_safe_name(name: str) -> bool:
    """Whether `name` is one plain name: not empty, no separator of any system, no `.`, `..` or hidden file, no drive,
    device, control character or lone surrogate, and nothing at its end that Windows would drop.
    """
    return (
        0 < len(name) <= _LONGEST
        and name[0] != "."
        and name[-1] not in " ."
        and _FORBIDDEN.search(name) is None
        and _DRIVE.match(name) is None
        and len(name.encode()) <= _LONGEST
        and not is_device(name)
    )


def safe_segments(name: str | Sequence[str]) -> list[str] | None:
    """`name`, or each name of a path that is given segment by segment; None unless all are safe.

    Raises TypeError for anything but text.
    """
    segments = [name] if isinstance(name, str) else list(name)
    for segment in segments:
        if not isinstance(segment, str):
            raise TypeError(f"a file's name must be a str or a list of str, not {type(segment).__name__}")
    return segments if 0 < len(segments) <= _DEEPEST and all(map(is_safe_name, segments)) else None
