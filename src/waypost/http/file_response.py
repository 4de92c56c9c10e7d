"""A file as a Response: validators, conditional requests, ranges (RFC 9110 sections 8.8, 13 and 14).

The path is the caller's own: nothing here protects against a client that chooses it.
"""

from __future__ import annotations

import asyncio
import mimetypes
import os
import stat
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path

from waypost.errors import HTTPError
from waypost.http.payload import FilePayload
from waypost.http.request import Request
from waypost.http.response import Response

_TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml")


async def file_response(file: Path, request: Request, *, cache_control: str) -> Response:
    """200 with the file, 206 with the one range asked for, 304, 412 or 416.

    Several ranges at once are answered with the whole file, as RFC 9110 section 14.2 allows. Raises
    FileNotFoundError for what is not, or no longer, a regular file.
    """
    # Opening may wait for a slow disk; the loop must not.
    fd, size, modified = await asyncio.get_running_loop().run_in_executor(None, _open, file)
    payload = FilePayload(fd, 0, size)
    etag = f'"{int(modified * 1_000_000):x}-{size:x}"'
    headers = {
        "content-type": content_type_of(file.name),
        "cache-control": cache_control,
        "etag": etag,
        "last-modified": formatdate(modified, usegmt=True),
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
    }
    status = _precondition(request, etag, modified)
    if status is not None:
        await payload.aclose()
        for name in ("content-type", "accept-ranges"):
            del headers[name]
        return Response(None, status, headers)
    wanted = parse_range(request.headers.get("range"), size) if _range_applies(request, etag, modified) else None
    if wanted is None:
        headers["content-length"] = str(size)
        return Response(payload, 200, headers)
    start, stop = wanted
    if start >= stop:
        await payload.aclose()
        raise HTTPError("Range not satisfiable", status=416, headers={"content-range": f"bytes */{size}"})
    payload.offset, payload.length = start, stop - start
    headers["content-range"] = f"bytes {start}-{stop - 1}/{size}"
    headers["content-length"] = str(stop - start)
    return Response(payload, 206, headers)


def content_type_of(name: str) -> str:
    """The media type by the name's ending; text types say that they are UTF-8."""
    guess = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{guess}; charset=utf-8" if guess.startswith(_TEXT) else guess


def parse_range(value: str | None, size: int) -> tuple[int, int] | None:
    """(start, stop) of a single byte range; None to send everything; an empty range when it can't be satisfied."""
    if value is None or len(value) > 200 or not value.lower().startswith("bytes=") or "," in value:
        return None
    first, dash, last = value[6:].strip().partition("-")
    if not dash or not all(part == "" or (part.isascii() and part.isdigit()) for part in (first, last)):
        return None
    if first == "":
        if last == "":
            return None
        length = min(int(last), size)
        return (size - length, size) if length else (size, size)
    start, stop = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None  # not a valid range: ignored, RFC 9110 section 14.1.1
    return (start, stop) if start < size else (size, size)


def _open(file: Path) -> tuple[int, int, float]:
    fd = os.open(
        file, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    info = os.fstat(fd)
    if not stat.S_ISREG(info.st_mode):
        os.close(fd)
        raise FileNotFoundError(file)
    return fd, info.st_size, info.st_mtime


def _precondition(request: Request, etag: str, modified: float) -> int | None:
    """304 or 412 when a precondition decides so, in the order of RFC 9110 section 13.2.2."""
    headers = request.headers
    if (match := headers.get("if-match")) is not None:
        if not etag_matches(match, etag, weak=False):
            return 412
    elif (since := _seconds(headers.get("if-unmodified-since"))) is not None and int(modified) > since:
        return 412
    if (none_match := headers.get("if-none-match")) is not None:
        return 304 if etag_matches(none_match, etag, weak=True) else None
    if (since := _seconds(headers.get("if-modified-since"))) is not None and int(modified) <= since:
        return 304
    return None


def _range_applies(request: Request, etag: str, modified: float) -> bool:
    condition = request.headers.get("if-range")
    if condition is None:
        return True
    condition = condition.strip()
    if condition.startswith('"'):
        return condition == etag
    seconds = _seconds(condition)
    return seconds is not None and int(modified) == seconds


def etag_matches(header: str, etag: str, *, weak: bool) -> bool:
    """Whether an If-Match or If-None-Match header names `etag`. weak: W/ tags count (RFC 9110 section 8.8.3.2)."""
    if header.strip() == "*":
        return True
    for item in header.split(","):
        tag = item.strip()
        if tag.startswith("W/"):
            if not weak:
                continue
            tag = tag[2:]
        if tag == etag.removeprefix("W/"):
            return True
    return False


def _seconds(date: str | None) -> int | None:
    if not date or len(date) > 64:
        return None
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None
