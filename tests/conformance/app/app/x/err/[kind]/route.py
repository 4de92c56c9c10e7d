"""Everything a handler can raise."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from waypost import (
    Context,
    Request,
    Response,
    forbidden,
    not_found,
    permanent_redirect,
    redirect,
    unauthorized,
)

INTERRUPTS: dict[str, Callable[[], object]] = {
    "not-found": not_found,
    "redirect": lambda: redirect("/x/get-only"),
    "redirect-query": lambda: redirect("/x/get-only?a=1&b=é#frag"),
    "redirect-external": lambda: redirect("https://example.com/x"),
    "redirect-push": lambda: redirect("/x/get-only"),
    "redirect-relative": lambda: redirect("get-only"),
    "redirect-unicode": lambda: redirect("/x/日本"),
    "permanent": lambda: permanent_redirect("/x/get-only"),
    "forbidden": forbidden,
    "unauthorized": unauthorized,
}


class Teapot(Exception):
    status = 418
    status_code = 418


async def rejected() -> Response:
    raise RuntimeError("rejected")


def throw(what: Any) -> None:
    """Raise something that need not be an exception."""
    raise what


async def handler(request: Request, context: Context) -> Response:
    kind = context.params["kind"]
    if interrupt := INTERRUPTS.get(kind):
        interrupt()
    match kind:
        case "throw":
            raise RuntimeError("secret detail")
        case "throw-string":
            throw("a string")
        case "throw-null":
            throw(None)
        case "throw-status":
            raise Teapot("teapot")
        case "reject":
            return await rejected()
        case "typeerror":
            nothing: Any = None
            return Response.json(nothing.x)
        case "async-late":
            await asyncio.sleep(0.02)
            raise RuntimeError("late")
        case "redirect-caught":
            return await caught(lambda: redirect("/x/get-only"))
        case "notfound-caught":
            return await caught(not_found)
        case "swallowed":
            try:
                redirect("/x/get-only")
            except Exception:
                return Response.json({"error": "Internal server error"}, status=500)
        case "background":
            asyncio.get_running_loop().call_later(0.005, fail_in_background)
            return Response.json({"ok": True})
    return Response("unknown", status=404)


async def caught(interrupt: Callable[[], object]) -> Response:
    """What someone sees who insists on catching an interrupt."""
    try:
        interrupt()
    except BaseException as error:
        return Response.json({"caught": type(error).__name__})
    return Response("not raised", status=500)


def fail_in_background() -> None:
    async def fail() -> None:
        raise RuntimeError("background rejection")

    task: Awaitable[None] = asyncio.ensure_future(fail())
    del task  # nobody waits for it: that is the case


GET = POST = handler
