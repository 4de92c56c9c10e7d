from __future__ import annotations

from waypost import Response, cookies, headers


async def GET() -> Response:
    token = (await cookies()).get("session-token")
    fields = await headers()
    answer = {"userAgent": fields.get("user-agent"), "authorization": fields.get("authorization")}
    if token is not None:
        answer["token"] = token.value
    return Response.json(answer)
