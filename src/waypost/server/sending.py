"""Streams on the wire: chunked or counted, never faster than the client reads, cut when they fail.

A stream that fails, or ends short of its length, ends with the connection and without its end mark, so that no
client takes it for complete. Files go through sendfile where the transport is a plain socket.
Source: RFC 9112 sections 6 and 7.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

from waypost.errors import ClientDisconnected
from waypost.http.payload import BodyStream, FilePayload, encode_chunk
from waypost.http.response import Response
from waypost.server.outbox import SMALL, Outbox
from waypost.server.writer import declared_length, stream_head

if TYPE_CHECKING:
    from waypost.server.protocol import HttpConnection

logger = logging.getLogger("waypost.server")

_FILE_AT_ONCE = 65_536  # a smaller file is read and written in one piece
_SENDFILE_STEP = 1_048_576  # bytes between two looks at other connections


class ShortBody(Exception):
    """The stream gave fewer bytes than its Content-Length."""


async def send_stream(
    connection: HttpConnection, response: Response, stream: BodyStream, method: str, close: bool
) -> bool:
    """Send a streamed response. Gives whether the connection must close; raises what the stream raised."""
    http10 = connection.wishes.http10
    length = stream.length if stream.length is not None else declared_length(response)
    chunked = length is None and not http10
    null_body = response.null_body
    bodiless = null_body or method == "HEAD"
    try:
        if length is None and http10 and not bodiless:
            close = True  # the end of the connection is the end of the body
        clock = connection.service.clock
        head = stream_head(response, clock, None if null_body else length, close, http10, chunked and not null_body)
        if bodiless:
            connection.write(head)
        elif isinstance(stream, FilePayload):
            await _send_file(connection, stream, head)
        else:
            close = await _send_pieces(connection, stream, Outbox(connection, head, chunked), length) or close
    finally:
        await stream.aclose(ClientDisconnected("the client closed the connection") if connection.gone else None)
    return close


async def _send_pieces(connection: HttpConnection, stream: BodyStream, outbox: Outbox, length: int | None) -> bool:
    """Send exactly `length` bytes (None: whatever comes). Gives whether the stream had more; raises ShortBody."""
    pieces, left = outbox.pieces, length
    try:
        async for item in stream.take():
            chunk = item if item.__class__ is bytes else encode_chunk(item)
            size = len(chunk)
            if left is not None:
                if size > left:
                    logger.error("a stream is longer than its Content-Length %d: it was cut there", length)
                    pieces.append(chunk[:left])
                    return True
                left -= size
            if not pieces:
                # Only a write, or a turn of the event loop, changes these; both leave the outbox empty.
                if connection.write_paused or connection.gone:
                    await connection.writable()
                outbox.schedule()
            if size > SMALL:
                outbox.add_large(chunk)
            elif size:
                pieces.append(chunk)
                if len(pieces) & 15 or not outbox.look():
                    continue
            # A write within one step: a source that never waits, for a client that reads fast or has left, would let
            # nobody else have a turn.
            if connection.write_paused:
                await connection.writable()
            else:
                await asyncio.sleep(0)
        if left:
            raise ShortBody(f"a stream ended {left} bytes short of its Content-Length {length}")
        outbox.finish()
        return False
    finally:
        outbox.flush()  # what came before a failure has come


async def _send_file(connection: HttpConnection, stream: FilePayload, head: bytes) -> None:
    if stream.length <= _FILE_AT_ONCE:
        data = os.pread(stream.fd, stream.length, stream.offset)
        connection.write(head + data)
        connection.sent_bytes += len(data)
        if len(data) < stream.length:
            raise ShortBody("a file shrank while it was sent")
        return
    socket: Any = connection.transport.get_extra_info("socket")
    if connection.connection.scheme == "https" or socket is None or not hasattr(os, "sendfile"):
        await _send_pieces(connection, stream, Outbox(connection, head, False), stream.length)
        return
    transport = connection.transport
    # The kernel writes the file past the transport, so whatever the transport still has must go first.
    transport.set_write_buffer_limits(high=0)
    # A second descriptor of the same socket: the event loop does not let others wait on the one it uses.
    out = os.dup(socket.fileno())
    try:
        connection.write(head)
        if connection.write_paused or transport.get_write_buffer_size():
            await _flushed(connection)
        await _copy(connection, stream, out)
    finally:
        os.close(out)
        if not connection.gone:
            transport.set_write_buffer_limits()


async def _flushed(connection: HttpConnection) -> None:
    while connection.transport.get_write_buffer_size() and not connection.gone:
        if connection.write_paused:
            await connection.writable()
        else:
            await asyncio.sleep(0)


async def _copy(connection: HttpConnection, stream: FilePayload, out: int) -> None:
    position, left = stream.offset, stream.length
    connection.watch_file(True)
    try:
        while left:
            if connection.gone:
                raise ClientDisconnected("the client left during a download")
            try:
                sent = os.sendfile(out, stream.fd, position, min(left, _SENDFILE_STEP))
            except BlockingIOError:
                await _socket_writable(out)
                continue
            except ConnectionError as error:
                raise ClientDisconnected("the client left during a download") from error
            if sent == 0:
                raise ShortBody("a file shrank while it was sent")
            position += sent
            left -= sent
            connection.sent_bytes += sent
            await asyncio.sleep(0)  # a client that reads fast must not keep the others waiting
    finally:
        connection.watch_file(False)


async def _socket_writable(out: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_writer(out, _set_ready, ready)
    try:
        await ready
    finally:
        loop.remove_writer(out)


def _set_ready(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
