"""Guide: Headers and Cookies. What proves who someone is goes into no answer and no log."""

from __future__ import annotations

from waypost import Response, cookies, headers


async def GET() -> Response:
    cookie_store = await cookies()
    token = cookie_store.get("__Host-session")

    header_list = await headers()
    user_agent = header_list.get("user-agent", "")
    authorization = header_list.get("authorization")

    signed = token is not None or authorization is not None
    return Response.json(
        {"hasCredentials": signed, "userAgent": user_agent[:200]},
        headers={"Cache-Control": "private, no-store"},
    )
