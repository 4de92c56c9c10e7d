"""What one setting may hold: how it is called in docs and errors, and how a TOML value or a text becomes it.

`config.py` builds its table from these. Text comes from the environment and the command line, where everything is
text; a value from pyproject.toml keeps its TOML type, so `port = "3000"` is refused. Knows no file and no variable.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
SIZE_UNITS: Final = {"": 1, "b": 1, "kb": KIB, "kib": KIB, "mb": MIB, "mib": MIB, "gb": 1024 * MIB, "gib": 1024 * MIB}
SECONDS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
SIZE_TEXT: Final = re.compile(r"([0-9]{1,15})\s*([a-z]*)")
DURATION_TEXT: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([a-z]*)")
TRUE: Final = ("1", "true", "yes", "on")
FALSE: Final = ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value.

    read(value, text): text says that value is a str which may have to become something else. Raises ValueError with
    words that complete "max_body_size …".
    """

    name: str
    read: Callable[[object, bool], Any]


def _flag(value: object, text: bool) -> bool:
    if isinstance(value, bool):
        return value
    if text and str(value).lower() in TRUE + FALSE:
        return str(value).lower() in TRUE
    raise ValueError("must be true or false")


def _count(lowest: int, highest: int | None) -> Callable[[object, bool], int]:
    def read(value: object, text: bool) -> int:
        if text and re.fullmatch(r"[0-9]{1,18}", str(value)):
            value = int(str(value))
        if isinstance(value, bool) or not isinstance(value, int) or value < lowest or value > (highest or value):
            limits = f"from {lowest} to {highest}" if highest is not None else f"of at least {lowest}"
            raise ValueError(f"must be a whole number {limits}")
        return value

    return read


def _size(value: object, text: bool) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    parts = SIZE_TEXT.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if parts is None or parts[2] not in SIZE_UNITS or (not parts[2] and not text):
        raise ValueError('must be a number of bytes or a text with its unit, as "512kb" or "10mb"')
    return int(parts[1]) * SIZE_UNITS[parts[2]]


def _duration(value: object, text: bool) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return float(value)
    parts = DURATION_TEXT.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if parts is None or parts[2] not in SECONDS or (not parts[2] and not text):
        raise ValueError('must be a number of seconds or a text with its unit, as "500ms", "30s" or "1m"')
    return float(parts[1]) * SECONDS[parts[2]]


def _text(value: object, text: bool) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("must be a text")
    return value


def _choice(*allowed: str) -> Callable[[object, bool], str]:
    def read(value: object, text: bool) -> str:
        if value not in allowed:
            raise ValueError("must be " + " or ".join(f'"{item}"' for item in allowed))
        return str(value)

    return read


def _base_path(value: object, text: bool) -> str:
    path = _text(value, text)
    if path and not re.fullmatch(r"(?:/[A-Za-z0-9._~%-]+)+", path):
        raise ValueError('must be empty or a path as "/docs": it starts with a slash and does not end with one')
    return path


def _document_path(value: object, text: bool) -> str:
    path = _text(value, text)
    if path not in ("", "off") and not re.fullmatch(r"(?:/[A-Za-z0-9._~-]+)+", path):
        raise ValueError('must be a path as "/openapi.json", or "off"')
    return path


def _cache_url(value: object, text: bool) -> str:
    url = _text(value, text)
    if url and url != "memory:" and not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError('must be "memory:" or begin with redis://, rediss:// or unix://')
    return url


def _build_id(value: object, text: bool) -> str:
    name = _text(value, text)
    if name and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise ValueError("must be empty, or up to 64 letters, digits, - and _")
    return name


def _file(value: object, text: bool) -> Path:
    if isinstance(value, Path):
        return value
    if value == "":
        raise ValueError("must not be empty")
    return Path(_text(value, text))


def _workers(value: object, text: bool) -> int:
    if value == "auto":
        return _cores()
    try:
        return _count(1, 512)(value, text)
    except ValueError as error:
        raise ValueError(f'{error}, or "auto"') from None


def _cores() -> int:
    """Count the cores this process may use, which in a container is less than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _peers(value: object, text: bool) -> tuple[str, ...]:
    items = value.replace(",", " ").split() if text and isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError('must be a list of addresses, as ["10.0.0.0/8", "unix"]')
    import ipaddress

    peers: list[str] = []
    for item in items:
        try:
            peers.append("unix" if item == "unix" else str(ipaddress.ip_network(_text(item, text))))
        except ValueError as error:
            raise ValueError(f'holds {item!r}, which is no IP address, no network and not "unix": {error}') from None
    return tuple(peers)


FLAG: Final = Kind("true or false", _flag)
SIZE: Final = Kind("size in bytes", _size)
DURATION: Final = Kind("duration in seconds", _duration)
TEXT: Final = Kind("text", _text)
FILE: Final = Kind("path", _file)
WORKERS: Final = Kind('number or "auto"', _workers)
PEERS: Final = Kind("list of networks", _peers)
BASE_PATH: Final = Kind("path", _base_path)
DOCUMENT_PATH: Final = Kind('path or "off"', _document_path)
BUILD_ID: Final = Kind("text", _build_id)
CACHE_URL: Final = Kind("URL", _cache_url)


def number(lowest: int = 0, highest: int | None = None) -> Kind:
    """Whole numbers from `lowest` to `highest`, or without an upper limit."""
    return Kind("number", _count(lowest, highest))


def choice(*allowed: str) -> Kind:
    """One of these texts."""
    return Kind(" or ".join(f'"{item}"' for item in allowed), _choice(*allowed))


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table.

    doc: one or two sentences of Markdown. group: heading on the page. variable: a second, well-known name in the
    environment, weaker than `WAYPOST_…`.
    """

    kind: Kind
    doc: str
    group: str
    variable: str = ""
