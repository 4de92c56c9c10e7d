"""A model that is a piece of Python: an iterator of text, or a function that gives one.

For models that run in this process, for servers with an interface of their own, and for tests. Needs no package and
knows no provider.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import Any, TypeAlias

from waypost.ai.chunks import Chunk
from waypost.ai.model_messages import ModelMessage
from waypost.ai.outcome import Outcome, Usage
from waypost.http.payload import from_iterable

Pieces: TypeAlias = "AsyncIterable[Any] | Iterable[Any]"
PlainModel: TypeAlias = "Pieces | Callable[..., Pieces | Awaitable[Pieces]]"


async def plain_chunks(
    model: PlainModel, system: str | None, messages: list[ModelMessage], outcome: Outcome
) -> AsyncGenerator[Chunk, None]:
    """The chunks of one step.

    model: an async or plain iterable (read in a worker thread), or a function of the messages that gives one; the
    system prompt is the first of them. Its items: text; a chunk, as a dict; a Usage, which is noted.
    """
    pieces: Any = model
    if callable(model):
        prompt: list[ModelMessage] = [{"role": "system", "content": system}] if system else []
        pieces = model([*prompt, *messages])
        if inspect.isawaitable(pieces):
            pieces = await pieces
    if isinstance(pieces, str):
        pieces = (pieces,)
    if isinstance(pieces, AsyncIterable):
        items = pieces.__aiter__()
        close = getattr(items, "aclose", None)
    elif isinstance(pieces, Iterable):
        stream = from_iterable(pieces)
        items, close = stream.take(), stream.aclose
    else:
        raise TypeError(f"a model gives an iterable of text, not {type(pieces).__name__}")
    try:
        async for chunk in _as_chunks(items, outcome):
            yield chunk
    finally:
        if close is not None:
            await close()


async def _as_chunks(items: AsyncIterable[Any], outcome: Outcome) -> AsyncGenerator[Chunk, None]:
    """One step with text parts around what is text."""
    step = False
    open_text: str | None = None
    parts = 0
    async for item in items:
        if isinstance(item, Usage):
            outcome.usage = item
            continue
        if not isinstance(item, str | dict):
            raise TypeError(f"a model gives text, chunks and a Usage, not {type(item).__name__}")
        if item == "":
            continue
        if not step:
            step = True
            yield {"type": "start-step"}
        if isinstance(item, dict):
            if open_text is not None:
                yield {"type": "text-end", "id": open_text}
                open_text = None
            yield item
            continue
        if open_text is None:
            parts += 1
            open_text = f"t{parts}"
            yield {"type": "text-start", "id": open_text}
        yield {"type": "text-delta", "id": open_text, "delta": item}
    if open_text is not None:
        yield {"type": "text-end", "id": open_text}
    if step:
        yield {"type": "finish-step"}
