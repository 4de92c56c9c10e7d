"""cookies() and request.cookies side by side: what iterating, str() and len() give."""

from __future__ import annotations

from waypost import Cookie, Request, Response, cookies


def pair(cookie: Cookie | None) -> dict[str, str] | None:
    return {"name": cookie.name, "value": cookie.value} if cookie else None


async def GET(request: Request) -> Response:
    store = await cookies()
    return Response.json(
        {
            "iter": list(store),
            "riter": list(request.cookies),
            "object": pair(store.get("a")),
            "robject": pair(request.cookies.get("a")),
            "str": str(store),
            "rstr": str(request.cookies),
            "size": len(store),
            "rsize": len(request.cookies),
        }
    )
