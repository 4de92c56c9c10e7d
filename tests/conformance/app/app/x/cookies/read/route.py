from __future__ import annotations

from waypost import Request, Response, cookies


async def GET(request: Request) -> Response:
    store = await cookies()
    a = store.get("a")
    return Response.json(
        {
            "all": [[cookie.name, cookie.value] for cookie in store.get_all()],
            "a": a.value if a else None,
            "hasA": store.has("a"),
            "allA": [[cookie.name, cookie.value] for cookie in store.get_all("a")],
            "viaRequest": [[cookie.name, cookie.value] for cookie in request.cookies.get_all()],
        }
    )
