"""Responses as bytes: the head, the buffered answer in one piece, the server's own error answers.

Constant parts are prepared. Framing, Date and Connection are decided here and taken from no handler. Knows no
transport; sending is sending.py's.
Source: RFC 9112 sections 4 and 6, RFC 9110 section 8.6.
"""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from waypost.http.response import Response
from waypost.server.timeouts import Clock

logger = logging.getLogger("waypost.server")

# Hop-by-hop fields and framing: a handler's word on them would desynchronise the connection (RFC 9110 section 7.6.1).
_OURS = frozenset(
    (
        b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"te", b"trailer", b"upgrade",
        b"date", b"content-length",
    )
)  # fmt: skip
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_NO_LENGTH = (204, 304)
_NO_BODY = (204, 205, 304)
_CLOSE = b"connection: close\r\n"
_KEEP = b"connection: keep-alive\r\n"
_LINES_KEPT = 512
_lines: dict[tuple[bytes, bytes], bytes] = {}
_lengths: dict[int, bytes] = {}
_types: dict[bytes, bytes] = {}

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def status_line(status: int, text: str = "") -> bytes:
    """`HTTP/1.1 200 OK` with its line end; text: another reason phrase."""
    return f"HTTP/1.1 {status} {text or _REASONS.get(status, '')}\r\n".encode("latin-1")


def _start(response: Response, clock: Clock) -> bytes:
    """Status line and Date, which hold for a second."""
    status = response._status
    if response.status_text:
        return status_line(status, response.status_text) + clock.date
    start = clock.heads[status] = status_line(status) + clock.date
    return start


def _line(field: tuple[bytes, bytes]) -> bytes:
    """A header line; those seen before are kept, up to a bound, since handlers choose the values."""
    line = b"%b: %b\r\n" % field
    if len(_lines) >= _LINES_KEPT:
        _lines.clear()
    if len(line) <= 200:
        _lines[field] = line
    return line


def _type(content_type: bytes) -> bytes:
    if len(_types) >= _LINES_KEPT:
        _types.clear()
    line = _types[content_type] = b"content-type: %b\r\n" % content_type
    return line


def _length(length: int) -> bytes:
    line = b"content-length: %d\r\n\r\n" % length
    if len(_lengths) >= _LINES_KEPT:
        _lengths.clear()
    _lengths[length] = line
    return line


def render(response: Response, payload: bytes, clock: Clock, method: str, close: bool, http10: bool) -> bytes:
    """A whole buffered response. close: whether the connection ends with it."""
    status = response._status
    start = (None if response.status_text else clock.heads.get(status)) or _start(response, clock)
    length = len(payload)
    if response._headers is None and not (close or http10 or status in _NO_BODY or method == "HEAD"):
        # What most handlers give: data, and nothing said about it but its type.
        content_type = response._content_type
        typed = b"" if content_type is None else _types.get(content_type) or _type(content_type)
        return b"".join((start, typed, _lengths.get(length) or _length(length), payload))
    parts = [start]
    for field in response.raw_headers():
        line = _lines.get(field)
        if line is not None:
            parts.append(line)
        elif field[0] not in _OURS:
            parts.append(_line(field))
        elif field[0] == b"content-length":
            length = _declared(field[1], length, method, status)
        elif field[0] == b"upgrade" and status == 426:
            parts.append(b"connection: Upgrade\r\nupgrade: %b\r\n" % field[1])
    if close:
        parts.append(_CLOSE)
    elif http10:
        parts.append(_KEEP)
    if status in _NO_LENGTH:
        parts.append(b"\r\n")
    else:
        parts.append(_lengths.get(length) or _length(length))
        if method != "HEAD" and status not in _NO_BODY:
            parts.append(payload)
    return b"".join(parts)


def _declared(value: bytes, length: int, method: str, status: int) -> int:
    """The Content-Length to send for a buffered body: its real one, whatever the handler said.

    An answer to HEAD without a payload may say what GET would have sent.
    """
    if value == b"%d" % length:
        return length
    if method == "HEAD" and not length and value.isdigit():
        return int(value)
    if status not in _NO_LENGTH:
        logger.warning("a handler set Content-Length %r on a body of %d bytes: the real length was sent", value, length)
    return length


def stream_head(
    response: Response, clock: Clock, length: int | None, close: bool, http10: bool, chunked: bool
) -> bytes:
    """The head of a streamed response. length: the Content-Length to send, None for none."""
    parts = [(None if response.status_text else clock.heads.get(response._status)) or _start(response, clock)]
    parts += [_lines.get(field) or _line(field) for field in response.raw_headers() if field[0] not in _OURS]
    if length is not None:
        parts.append(b"content-length: %d\r\n" % length)
    elif chunked:
        parts.append(b"transfer-encoding: chunked\r\n")
    if close:
        parts.append(_CLOSE)
    elif http10:
        parts.append(_KEEP)
    parts.append(b"\r\n")
    return b"".join(parts)


def declared_length(response: Response) -> int | None:
    """The Content-Length that a handler set itself; None without one, or when it is no number."""
    for name, value in response.raw_headers():
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None


def refusal(
    status: int,
    message: str,
    clock: Clock,
    *,
    method: str = "GET",
    retry_after: int = 0,
    close: bool = True,
    request_id: str | None = None,
) -> bytes:
    """An answer of the server's own: `{"error": message}`."""
    body = json.dumps({"error": message}, ensure_ascii=False, separators=(",", ":")).encode()
    retry = b"retry-after: %d\r\n" % retry_after if retry_after else b""
    return b"".join(
        (
            status_line(status),
            clock.date,
            b"content-type: application/json\r\ncache-control: no-store\r\n",
            retry,
            b"x-request-id: %b\r\n" % request_id.encode("latin-1") if request_id is not None else b"",
            b"content-length: %d\r\n" % len(body),
            _CLOSE if close else b"",
            b"\r\n",
            b"" if method == "HEAD" else body,
        )
    )
