"""UI message streams: what `useChat` reads, made by hand with a writer or by stream_text, and the response for them.

An exception never shows the client its text: it becomes an `error` chunk with a text that on_error decides on, and a
line in the log. When the client leaves, what makes the stream is cancelled. Knows no model.
Source: AI SDK 5 to 7, createUIMessageStream; UI message stream protocol v1.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from waypost.ai.chunks import DONE, HEADERS, Chunk, ChunkChecker, SDKVersion, frame
from waypost.ai.message_builder import MessageBuilder
from waypost.ai.ui_messages import MakeId, UIMessage
from waypost.ai.writer import UIMessageStreamWriter
from waypost.app.context import current_scope
from waypost.http.headers import Headers, HeadersInit
from waypost.http.live_stream import LiveStream
from waypost.http.response import Response

if TYPE_CHECKING:
    from waypost.ai.resume import ResumableStreams

log = logging.getLogger("waypost.ai")

MASKED = "An error occurred."
HEARTBEAT = 15.0  # seconds
_ABORTED = frame({"type": "abort", "reason": "shutdown"}) + DONE

OnError: TypeAlias = Callable[[BaseException], "str | None"]
Execute: TypeAlias = Callable[[UIMessageStreamWriter], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Finished:
    """What on_finish of a UI stream is given.

    response_message: the answer as the page has it, to be stored. messages: original_messages with the answer at its
    place. is_aborted: the client left, or the server stopped. is_continuation: the answer goes on with the last
    message. finish_reason: None when it was aborted or failed.
    """

    response_message: UIMessage
    messages: list[UIMessage]
    is_aborted: bool
    is_continuation: bool
    finish_reason: str | None


OnFinish: TypeAlias = Callable[[Finished], object]


class UIMessageStream:
    """A stream of chunks, to be sent or merged into another; can be read once."""

    __slots__ = ("_chunks", "_taken", "on_error", "sdk_version")

    def __init__(
        self, chunks: AsyncGenerator[Chunk, None], *, on_error: OnError | None = None, sdk_version: SDKVersion = 6
    ) -> None:
        self.sdk_version: SDKVersion = sdk_version
        self._chunks = chunks
        self._taken = False
        self.on_error = on_error

    def __aiter__(self) -> AsyncGenerator[Chunk, None]:
        """The chunks; what makes them raises here. Raises RuntimeError the second time."""
        if self._taken:
            raise RuntimeError("this stream was already read or sent")
        self._taken = True
        return self._chunks

    def to_response(
        self,
        *,
        status: int = 200,
        headers: HeadersInit = None,
        heartbeat: float | None = HEARTBEAT,
        resume: ResumableStreams | None = None,
        chat_id: Any = None,
    ) -> Response:
        """The response that `useChat` reads. headers: win over those of the protocol.

        resume: where a page that is reloaded finds the stream again, under chat_id; it then goes on when the client
        leaves. Raises BadRequest for a chat_id that is no id.
        """
        frames = _frames(self)
        if resume is not None:
            frames = resume.start(chat_id, frames)
        return stream_response(frames, status=status, headers=headers, heartbeat=heartbeat)


def create_ui_message_stream(
    execute: Execute,
    *,
    on_error: OnError | None = None,
    on_finish: OnFinish | None = None,
    original_messages: list[UIMessage] | None = None,
    generate_message_id: MakeId | None = None,
    sdk_version: SDKVersion = 6,
) -> UIMessageStream:
    """A stream of what `execute(writer)` writes; `start` and `finish` are added where it does not write them.

    on_error: the text the client may read for an exception; None is a text that says nothing. on_finish: called with
    a Finished at the end, whatever the end was. original_messages: the chat so far; its last message is continued if
    it is the assistant's. generate_message_id: gives the id of the answer. sdk_version: see ChunkChecker.
    """
    chunks = _executed(execute, message_id(original_messages, generate_message_id), ChunkChecker(sdk_version))
    if on_finish is not None:
        chunks = finishing(chunks, on_finish, original_messages)
    return UIMessageStream(chunks, on_error=on_error, sdk_version=sdk_version)


def create_ui_message_stream_response(
    stream: UIMessageStream,
    *,
    status: int = 200,
    headers: HeadersInit = None,
    heartbeat: float | None = HEARTBEAT,
    resume: ResumableStreams | None = None,
    chat_id: Any = None,
) -> Response:
    """The AI SDK's name for `stream.to_response(...)`."""
    return stream.to_response(status=status, headers=headers, heartbeat=heartbeat, resume=resume, chat_id=chat_id)


def stream_response(
    frames: AsyncIterator[bytes],
    *,
    status: int = 200,
    headers: HeadersInit = None,
    heartbeat: float | None = HEARTBEAT,
) -> Response:
    """Frames as a response with the protocol's headers; the running request's end ends it in good order."""
    fields = Headers(headers)
    for name, value in HEADERS:
        if not fields.has(name):
            fields.set(name, value)
    scope = current_scope.get(None)
    signal = None if scope is None else scope.request.signal
    return Response(LiveStream(frames, bytes, heartbeat=heartbeat, signal=signal, last=_ABORTED), status, fields)


def message_id(original: list[UIMessage] | None, generate: MakeId | None) -> str | None:
    """The id of the answer: that of the message it continues, a new one, or None to let the page make it."""
    if original and original[-1]["role"] == "assistant":
        return original[-1]["id"]
    return None if generate is None else generate()


def error_text(error: BaseException, on_error: OnError | None) -> str:
    """What the client may read for an exception, which is logged."""
    log.error("an AI stream failed", exc_info=error)
    if on_error is not None:
        try:
            text = on_error(error)
        except Exception:
            log.exception("on_error failed")
            return MASKED
        if isinstance(text, str):
            return text
    return MASKED


async def _frames(stream: UIMessageStream) -> AsyncGenerator[bytes, None]:
    """A stream's chunks as they are sent, up to the end mark."""
    checker = ChunkChecker(stream.sdk_version)
    chunks = aiter(stream)
    try:
        async for chunk in chunks:
            checker.check(chunk)
            yield frame(chunk)
    except Exception as error:
        yield frame({"type": "error", "errorText": error_text(error, stream.on_error)})
    finally:
        await chunks.aclose()
    yield DONE


async def _executed(execute: Execute, id: str | None, checker: ChunkChecker) -> AsyncGenerator[Chunk, None]:
    """What a function writes, chunk by chunk; leaving cancels it."""
    writer = UIMessageStreamWriter(checker, id)

    async def run() -> None:
        try:
            result: Any = execute(writer)
            if inspect.isawaitable(result):
                await result
        finally:
            writer.end()

    task = asyncio.create_task(run())
    try:
        while (chunk := await writer.taken()) is not None:
            yield chunk
        await task
        for chunk in writer.last_chunks():
            yield chunk
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # raised above, unless the reader left in the same moment


async def finishing(
    chunks: AsyncGenerator[Chunk, None], on_finish: OnFinish, original: list[UIMessage] | None
) -> AsyncGenerator[Chunk, None]:
    """The same chunks; calls on_finish with the message they make, however they end."""
    earlier = list(original or ())
    continued = earlier.pop() if earlier and earlier[-1]["role"] == "assistant" else None
    builder = MessageBuilder(continued)
    complete = failed = False
    try:
        async for chunk in chunks:
            builder.add(chunk)
            yield chunk
        complete = True
    except Exception:
        failed = True
        raise
    finally:
        await chunks.aclose()
        message = builder.message
        finished = Finished(
            response_message=message,
            messages=[*earlier, message],
            is_aborted=not complete and not failed,
            is_continuation=continued is not None,
            finish_reason=builder.finish_reason if complete else None,
        )
        await call_finish(on_finish, finished)


async def call_finish(callback: Callable[[Any], object], event: object) -> None:
    """Call an on_finish, plain or async; what it raises is logged: the answer is already out."""
    try:
        result = callback(event)
        if inspect.isawaitable(result):
            await result
    except Exception:
        log.exception("on_finish failed")
