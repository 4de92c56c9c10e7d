"""headers(): read, and what becomes of an attempt to write."""

from __future__ import annotations

from collections.abc import Callable

from waypost import Request, Response, headers


def outcome(write: Callable[[], object]) -> str | None:
    try:
        write()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return None


async def GET(request: Request) -> Response:
    fields = await headers()
    set_threw = outcome(lambda: fields.set("x", "y"))
    delete_threw = outcome(lambda: fields.delete("x"))
    request.headers.set("x-new", "y")
    return Response.json(
        {
            "multi": fields.get("x-multi"),
            "case": fields.get("X-CASE"),
            "missing": fields.get("x-none"),
            "has": fields.has("x-case"),
            "setThrew": set_threw,
            "delThrew": delete_threw,
            "reqSet": request.headers.get("x-new"),
            "latin": fields.get("x-latin"),
            "empty": fields.get("x-empty"),
            "cookie": fields.get("cookie"),
            "keysLower": all(name == name.lower() for name in fields.keys()),
        }
    )
