"""Answers that go on when the page is reloaded: what `useChat({ resume: true })` continues.

    streams = ResumableStreams()

    return result.to_ui_message_stream_response(resume=streams, chat_id=id)   # POST /api/chat
    return await streams.response(id)                                         # GET /api/chat/[id]/stream
    await streams.stop(id)                                                    # DELETE /api/chat/[id]/stream

The model runs to its end when the client leaves, so that the page, or another one, finds its answer. Whoever knows the
id of a chat can read it: that it is the caller's own is for the handlers to check.
Source: AI SDK 5 to 7, "Chatbot Resume Streams", DefaultChatTransport.reconnectToStream.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from waypost.ai.chunks import DONE, frame
from waypost.ai.recording import Recording
from waypost.ai.stream_store import StreamStore, open_store
from waypost.ai.ui_stream import HEARTBEAT, MASKED, stream_response
from waypost.app.after import after
from waypost.app.context import current_scope
from waypost.errors import BadRequest, HTTPError, StartupError
from waypost.http.headers import Headers, HeadersInit
from waypost.http.response import Response

URL_VARIABLE: Final = "WAYPOST_STREAMS_URL"
_POLL: Final = 0.05  # seconds between two looks at a stream that another process makes
_LONGEST_ID: Final = 200  # characters
_FAILED: Final = frame({"type": "error", "errorText": MASKED}) + DONE

log = logging.getLogger("waypost.ai")


class ResumableStreams:
    """The answers that are being made, one a chat, in all processes that share a store.

    store: a StreamStore or its URL; WAYPOST_STREAMS_URL unless given, and without that a file in the project's
    `.waypost` folder, shared by the workers of the machine. name: what the chats of a shared store begin with.
    max_bytes: of one answer as it is sent; max_seconds: how long a model may take for one. What is longer ends with an
    error. Raises StartupError for settings that can't be.
    """

    def __init__(
        self,
        store: StreamStore | str | None = None,
        *,
        name: str = "chat",
        max_bytes: int = 16 * 1024 * 1024,
        max_seconds: float = 600.0,
    ) -> None:
        if max_bytes < 1 or max_seconds <= 0:
            raise StartupError("max_bytes and max_seconds of ResumableStreams are numbers above 0")
        if store is None:
            store = os.environ.get(URL_VARIABLE, "")
        if isinstance(store, str):
            open_store(store, Path())  # a URL that names nothing is found at start
        self._store: StreamStore | str | None = store
        self._name = name
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._made_here: dict[str, Recording] = {}

    def start(self, chat_id: object, frames: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Begin to make an answer; gives its frames. The chat's answer before it, if it is still made, is stopped."""
        chat = self._chat(chat_id)
        before = self._of_this_process(chat)
        if before is not None:
            before.stop()
        recording = Recording(
            chat, frames, self._opened(), failed=_FAILED, max_bytes=self._max_bytes, max_seconds=self._max_seconds
        )
        self._made_here[chat] = recording
        recording.task.add_done_callback(lambda _: self._forget(recording))
        scope = current_scope.get(None)
        if scope is not None and scope.afterwork is not None:
            try:
                after(recording.outlast)  # a server that stops waits for the answer, and then ends it
            except HTTPError:
                recording.stop()
                raise
        return recording.follow()

    async def response(
        self, chat_id: str, *, headers: HeadersInit = None, heartbeat: float | None = HEARTBEAT
    ) -> Response:
        """The chat's answer from its beginning, going on as it is made; 204 when none is being made.

        Raises BadRequest for an id that is none.
        """
        chat = self._chat(chat_id)
        store, stream = self._opened(), None
        if store is not None:
            try:
                stream = await store.find(chat)
            except Exception as error:  # whatever a store raises, the page goes on without
                log.warning("the store of streams failed (%s: %s)", type(error).__name__, error)
        recording = self._of_this_process(chat)
        if recording is not None and stream in (None, recording.id):
            # Once it is done, the store is about to learn it.
            frames = None if recording.done else recording.follow()
        else:
            frames = None if store is None or stream is None else _followed(store, stream)
        if frames is not None:
            return stream_response(frames, headers=headers, heartbeat=heartbeat)
        fields = Headers(headers)
        fields.set("cache-control", "no-store")
        return Response(None, 204, fields)

    async def stop(self, chat_id: str) -> bool:
        """Stop the model that answers in this chat, in whichever process; False when none does.

        One of this process has stopped when this returns, its on_finish called; another does within a second.
        Raises BadRequest for an id that is none, and what the store raises.
        """
        chat = self._chat(chat_id)
        recording = self._of_this_process(chat)
        here = recording is not None and not recording.done
        if recording is not None:
            recording.stop()
            await recording.ended()
        store = self._opened()
        try:
            return (store is not None and await store.stop(chat)) or here
        except Exception:
            if here:
                return True
            raise

    async def close(self) -> None:
        """Stop what is being made here, and close the store."""
        for recording in list(self._made_here.values()):
            recording.stop()
            await asyncio.wait([recording.task])
        if self._store is not None and not isinstance(self._store, str):
            await self._store.close()

    def _of_this_process(self, chat: str) -> Recording | None:
        recording = self._made_here.get(chat)
        return recording if recording is not None and recording.loop is asyncio.get_running_loop() else None

    def _forget(self, recording: Recording) -> None:
        if self._made_here.get(recording.chat) is recording:
            del self._made_here[recording.chat]

    def _chat(self, chat_id: object) -> str:
        if not isinstance(chat_id, str) or not 1 <= len(chat_id) <= _LONGEST_ID or not chat_id.isprintable():
            raise BadRequest(f"the id of a chat is a string of 1 to {_LONGEST_ID} characters")
        return f"{self._name}:{chat_id}"

    def _opened(self) -> StreamStore | None:
        if isinstance(self._store, str):
            scope = current_scope.get(None)
            services = None if scope is None else scope.services
            store = self._store = open_store(self._store, Path() if services is None else services.root)
            return store
        return self._store


async def _followed(store: StreamStore, stream: str) -> AsyncGenerator[bytes, None]:
    """A stream that another process writes, up to its end or until that process is gone."""
    position = 0
    while True:
        try:
            data, state = await store.read(stream, position)
        except Exception as error:
            log.warning("the store of streams failed (%s: %s)", type(error).__name__, error)
            data, state = b"", "broken"
        position += len(data)
        if data:
            yield data
        if state == "ended":
            return
        if state == "broken":
            yield _FAILED
            return
        await asyncio.sleep(_POLL)
