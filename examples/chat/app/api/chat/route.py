"""POST /api/chat: ask the model; what `useChat` calls."""

from waypost import Request, Response
from waypost.ai import Finished, MetadataPart, stream_text, validate_ui_messages
from waypost.ratelimit import RateLimiter

from lib import chats
from lib.model import MODEL, SYSTEM, TOOLS
from lib.streams import streams

limiter = RateLimiter(limit=30, window="1m")


@limiter
async def POST(request: Request) -> Response:
    body = await request.json()
    messages = validate_ui_messages(body, max_messages=100)
    chat_id, owner = await chats.own(body.get("id") if isinstance(body, dict) else None)
    await streams.stop(chat_id)  # an answer that nobody waits for any more
    await chats.save(chat_id, owner, messages)  # a page that is reloaded now has the question

    async def store(finished: Finished) -> None:
        await chats.save(chat_id, owner, finished.messages)

    result = stream_text(model=MODEL, system=SYSTEM, messages=messages, tools=TOOLS)
    return result.to_ui_message_stream_response(
        original_messages=messages,
        generate_message_id=chats.message_id,
        message_metadata=tokens,
        on_finish=store,
        on_error=lambda error: "The model could not answer. Please try again.",
        resume=streams,
        chat_id=chat_id,
    )


def tokens(part: MetadataPart) -> dict[str, int] | None:
    """What the page may know of the cost."""
    return {"tokens": part.total_usage.total_tokens} if part.type == "finish" else None
