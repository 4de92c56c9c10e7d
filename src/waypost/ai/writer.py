"""The writer of a hand-made UI message stream: one method for each thing that can appear in a chat.

Every method waits while the reader is behind, so that a fast writer does not fill the memory. Knows no response.
Source: AI SDK 5 to 7, UIMessageStreamWriter.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Iterable, Iterator
from typing import Any

from waypost.ai.chunks import Chunk, ChunkChecker, FinishReason

_AHEAD = 64  # chunks that may wait for the reader


class UIMessageStreamWriter:
    """Writes chunks to a UI message stream; create_ui_message_stream gives one to its function.

    Every method raises ValueError for a chunk that the client would fail at.
    """

    def __init__(self, checker: ChunkChecker, message_id: str | None = None) -> None:
        self._checker = checker
        self._message_id = message_id
        self._chunks: deque[Chunk] = deque()
        self._readable: asyncio.Future[None] | None = None
        self._room: list[asyncio.Future[None]] = []
        self._started = self._ended = False
        self._finish: Chunk | None = None
        self._numbers = 0

    async def write(self, chunk: Chunk) -> None:
        """Write a chunk as it is. A second `start` is left out; `finish` is sent when everything is written."""
        kind = chunk.get("type")
        if kind == "finish":
            self._finish = chunk
            return
        if not self._started:
            self._started = True
            if kind != "start":
                await self._put(self._start())
            elif self._message_id is not None:
                chunk = {"messageId": self._message_id, **chunk}
        elif kind == "start":
            if "messageMetadata" in chunk:
                await self.metadata(chunk["messageMetadata"])
            return
        self._checker.check(chunk)
        await self._put(chunk)

    async def merge(self, stream: AsyncIterable[Chunk]) -> None:
        """Write all chunks of another stream: `await writer.merge(stream_text(...).to_ui_message_stream())`."""
        chunks = aiter(stream)
        try:
            async for chunk in chunks:
                await self.write(chunk)
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    async def text(self, text: str | AsyncIterable[str] | Iterable[str], *, id: str | None = None) -> None:
        """A text part; an iterable appears piece by piece."""
        await self._pieces("text", text, id)

    async def reasoning(self, text: str | AsyncIterable[str] | Iterable[str], *, id: str | None = None) -> None:
        """A reasoning part; an iterable appears piece by piece."""
        await self._pieces("reasoning", text, id)

    async def source_url(self, url: str, *, title: str | None = None, id: str | None = None) -> None:
        """A web page that the answer rests on."""
        await self.write(
            _present({"type": "source-url", "sourceId": id or self._id("source"), "url": url}, title=title)
        )

    async def source_document(
        self, title: str, media_type: str, *, filename: str | None = None, id: str | None = None
    ) -> None:
        """A document that the answer rests on."""
        chunk = {"type": "source-document", "sourceId": id or self._id("source"), "mediaType": media_type}
        await self.write(_present({**chunk, "title": title}, filename=filename))

    async def file(self, url: str, media_type: str) -> None:
        """A file, by its address or as a data: URL."""
        await self.write({"type": "file", "url": url, "mediaType": media_type})

    async def data(self, name: str, value: Any, *, id: str | None = None, transient: bool = False) -> None:
        """A `data-name` part of your own. id: a later one takes its place. transient: not kept in the message."""
        chunk = _present({"type": f"data-{name}", "data": value}, id=id)
        await self.write({**chunk, "transient": True} if transient else chunk)

    async def metadata(self, value: Any) -> None:
        """Metadata of the message, merged into what it has."""
        await self.write({"type": "message-metadata", "messageMetadata": value})

    async def tool_input(self, name: str, input: Any, *, call_id: str) -> None:
        """A tool call with its whole input."""
        await self.write({"type": "tool-input-start", "toolCallId": call_id, "toolName": name})
        await self.write({"type": "tool-input-available", "toolCallId": call_id, "toolName": name, "input": input})

    async def tool_output(self, call_id: str, output: Any, *, preliminary: bool = False) -> None:
        """The result of a tool call. preliminary: another one follows."""
        chunk = {"type": "tool-output-available", "toolCallId": call_id, "output": output}
        await self.write({**chunk, "preliminary": True} if preliminary else chunk)

    async def tool_error(self, call_id: str, text: str) -> None:
        """A tool call that failed; the client reads text."""
        await self.write({"type": "tool-output-error", "toolCallId": call_id, "errorText": text})

    async def start_step(self) -> None:
        """Begin a step: what a model says between two rounds of tools."""
        await self.write({"type": "start-step"})

    async def finish_step(self) -> None:
        await self.write({"type": "finish-step"})

    async def finish(self, reason: FinishReason = "stop", *, metadata: Any = None) -> None:
        """How the message ends; "stop" without it."""
        await self.write(_present({"type": "finish", "finishReason": reason}, messageMetadata=metadata))

    async def _pieces(self, kind: str, text: str | AsyncIterable[str] | Iterable[str], id: str | None) -> None:
        id = id or self._id(kind)
        await self.write({"type": f"{kind}-start", "id": id})
        if isinstance(text, str):
            text = (text,)
        if isinstance(text, AsyncIterable):
            async for piece in text:
                await self.write({"type": f"{kind}-delta", "id": id, "delta": piece})
        else:
            for piece in text:
                await self.write({"type": f"{kind}-delta", "id": id, "delta": piece})
        await self.write({"type": f"{kind}-end", "id": id})

    def _id(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}-{self._numbers}"

    def _start(self) -> Chunk:
        return _present({"type": "start"}, messageId=self._message_id)

    # -- the reader's side

    async def _put(self, chunk: Chunk) -> None:
        self._chunks.append(chunk)
        _set(self._readable)
        while len(self._chunks) > _AHEAD:
            room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._room.append(room)
            await room

    def end(self) -> None:
        """Nothing more is written."""
        self._ended = True
        _set(self._readable)

    async def taken(self) -> Chunk | None:
        """The next chunk for the reader; None at the end."""
        while not self._chunks:
            if self._ended:
                return None
            self._readable = asyncio.get_running_loop().create_future()
            await self._readable
        chunk = self._chunks.popleft()
        if self._room and len(self._chunks) <= _AHEAD // 2:
            rooms, self._room = self._room, []
            for room in rooms:
                _set(room)
        return chunk

    def last_chunks(self) -> Iterator[Chunk]:
        """What a complete stream ends with."""
        if not self._started:
            yield self._start()
        yield self._finish or {"type": "finish", "finishReason": "stop"}


def _present(chunk: Chunk, **fields: Any) -> Chunk:
    """chunk with those of the fields that are not None."""
    return {**chunk, **{name: value for name, value in fields.items() if value is not None}}


def _set(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
