"""PulledBody: the body of a request, asked for piece by piece.

Source: ASGI specification 3.0, `http.request`.
"""

from __future__ import annotations

import asyncio

from waypost.asgi.messages import Message, Receive
from waypost.errors import ClientDisconnected
from waypost.http.body import UNREAD, WHOLE, RequestBody


class PulledBody(RequestBody, kw_only=True):
    """A body that is asked for: ASGI's receive() is called when a reader waits, so back-pressure is the server's."""

    _receive: Receive
    _pulling: bool = False
    _ended: asyncio.Event | None = None

    async def read(self) -> bytes:
        # The short way of what nearly every body is: all of it in one message, its length compared with the route's
        # limit before.
        if self._use is UNREAD and self._error is None and not self._pulling and self.limit_when_read is None:
            self._use = WHOLE
            self._pulling = True
            try:
                message = await self._receive()
            finally:
                self._pulling = False
                if self._waiters is not None:
                    self._wake()
            data = message.get("body")
            if data is not None and len(data) == self.declared and not message.get("more_body") and self._error is None:
                self.received = len(data)
                self._data = data
                self._complete = True  # who waits was woken
                if self._ended is not None:
                    self._ended.set()
                return data  # type: ignore[no-any-return]  # bytes, as ASGI has it
            self._take(message)
        return await RequestBody.read(self)

    async def ended(self) -> None:
        """Wait until the last byte has come, or none will any more; until then receive() is this body's."""
        if self._ended is None:
            self._ended = asyncio.Event()
            if self._complete or self._error is not None:
                self._ended.set()
        await self._ended.wait()

    async def _more(self) -> None:
        if self._pulling:  # by another reader: a second receive() might wait for ever
            await super()._more()
            return
        self._pulling = True
        try:
            self._take(await self._receive())
        finally:
            self._pulling = False
            if self._waiters is not None:
                self._wake()

    def _take(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self.fail(ClientDisconnected("the client closed the connection before the body was complete"))
        else:
            chunk = message.get("body", b"")
            if chunk:
                self.feed(chunk)
            if message.get("more_body"):
                return
            if self.declared is not None and self.received != self.declared:
                self.fail(ClientDisconnected("the request body is not as long as its Content-Length says"))
            self.finish()
        if self._ended is not None:
            self._ended.set()
