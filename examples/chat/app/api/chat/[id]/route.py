"""GET /api/chat/:id: the messages of a chat, for a page that is loaded."""

from waypost import Context, Request, Response

from lib import chats


async def GET(request: Request, context: Context) -> Response:
    chat_id, _ = await chats.own(context.params["id"])
    return Response.json({"id": chat_id, "messages": await chats.load(chat_id)}, headers={"Cache-Control": "no-store"})
