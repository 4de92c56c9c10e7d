"""Every way to set and delete a cookie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

from waypost import Context, Request, Response, cookies, not_found, redirect

MOMENT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)

WRITES: dict[str, Callable[[Any], object]] = {
    "plain": lambda c: c.set("k", "v"),
    "object": lambda c: c.set({"name": "k", "value": "v", "path": "/p", "http_only": True}),
    "options": lambda c: c.set(
        "k",
        "v",
        path="/sub",
        domain="example.com",
        max_age=3600,
        http_only=True,
        secure=True,
        same_site="strict",
        priority="high",
        partitioned=True,
    ),  # fmt: skip
    "expires": lambda c: c.set("k", "v", expires=MOMENT),
    "expires-number": lambda c: c.set("k", "v", expires=MOMENT.timestamp()),
    "maxage0": lambda c: c.set("k", "v", max_age=0),
    "samesite-true": lambda c: c.set("k", "v", same_site=True),
    "samesite-none": lambda c: c.set("k", "v", same_site="none", secure=True),
    "encode": lambda c: c.set("k", 'a b;c=d,"e" é%'),
    "encode-name": lambda c: c.set("a b", "v"),
    "empty": lambda c: c.set("k", ""),
    "twice": lambda c: (c.set("k", "1"), c.set("k", "2")),
    "many": lambda c: (c.set("a", "1"), c.set("b", "2"), c.set("c", "3")),
    "delete": lambda c: c.delete("k"),
    "delete-object": lambda c: c.delete("k", path="/p", domain="example.com"),
    "set-delete": lambda c: (c.set("k", "v"), c.delete("k")),
    "chain": lambda c: c.set("a", "1").set("b", "2").delete("a"),
}


async def GET(request: Request, context: Context) -> Response:
    how = context.params["how"]
    store = await cookies()
    if write := WRITES.get(how):
        write(store)
        return Response.json({"ok": how})
    match how:
        case "read-own":
            store.set("k", "new")
            own = store.get("k")
            return Response.json({"get": own.value if own else None, "all": len(store.get_all())})
        case "delete-read":
            store.delete("a")
            return Response.json({"has": store.has("a")})
        case "clear":
            clear = getattr(store, "clear", None)
            if clear is not None:
                clear()
            return Response.json({"clear": "function" if callable(clear) else "undefined"})
        case "request-set":
            request.cookies.set("k", "v")
            own = request.cookies.get("k")
            return Response.json({"ok": own.value if own else None, "header": request.headers.get("cookie")})
        case "late":
            return Response(late(store))
        case "throw":
            store.set("k", "v")
            raise RuntimeError("x")
        case "redirect":
            store.set("k", "v")
            redirect("/x/get-only")
        case "notfound":
            store.set("k", "v")
            not_found()
    return beside(how, store)


def beside(how: str, store: Any) -> Response:
    """A cookie from the store beside one that the response itself carries."""
    store.set("k", "store")
    match how:
        case "with-header":
            return Response("x", headers={"set-cookie": "h=header; Path=/"})
        case "with-header-same":
            return Response("x", headers={"set-cookie": "k=header; Path=/"})
        case "with-nr" | "with-nr-same":
            response = Response.json({})
            response.cookies.set("n" if how == "with-nr" else "k", "nr")
            return response
    return Response.json({"ok": how})


async def late(store: Any) -> AsyncIterator[bytes]:
    """Sets a cookie when the headers are long gone."""
    yield b"a"
    await asyncio.sleep(0.03)
    try:
        store.set("late", "1")
    except Exception as error:
        yield type(error).__name__.encode()
    else:
        yield b"ok"
