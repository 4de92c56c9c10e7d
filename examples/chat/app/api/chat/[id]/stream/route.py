"""GET /api/chat/:id/stream: go on with an answer that is being made. DELETE: stop it."""

from waypost import Context, Request, Response

from lib import chats
from lib.streams import streams


async def GET(request: Request, context: Context) -> Response:
    chat_id, _ = await chats.own(context.params["id"])
    return await streams.response(chat_id)


async def DELETE(request: Request, context: Context) -> Response:
    chat_id, _ = await chats.own(context.params["id"])
    await streams.stop(chat_id)
    return Response(None, 204)
