from __future__ import annotations

from waypost import Request, Response, cookies

from lib.jwt_token import sign_token

TWO_HOURS = 7200


async def POST(request: Request) -> Response:
    body = await request.json()
    token = sign_token({"id": body["id"], "email": body["email"]}, TWO_HOURS)
    store = await cookies()
    store.set("session-token", token, http_only=True, secure=True, same_site="lax", path="/", max_age=TWO_HOURS)
    return Response.json({"ok": True})


async def DELETE() -> Response:
    (await cookies()).delete("session-token")
    return Response.json({"ok": True})
