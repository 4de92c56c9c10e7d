"""after(): what runs once the response is on its way."""

from __future__ import annotations

import asyncio
from typing import Any

from waypost import ReadableStream, Request, Response, after, cookies, headers, redirect

from lib.state import push


async def handler(request: Request) -> Response:
    query = request.next_url.search_params
    key = query.get("key") or ""
    kind = query.get("kind") or "plain"
    push(key, "handler-start")
    after(lambda: push(key, "after-1"))
    schedule(kind, key)
    match kind:
        case "throw":
            raise RuntimeError("handler threw")
        case "redirect":
            redirect("/x/get-only")
        case "stream":
            push(key, "handler-end")
            return Response(ReadableStream(start=lambda controller: stream(controller, key)))
        case "block":
            after(lambda: later(0.8, key, "after-slow"))
    push(key, "handler-end")
    return Response.json({"ok": True})


def schedule(kind: str, key: str) -> None:
    match kind:
        case "async":
            after(lambda: later(0.1, key, "after-async"))
        case "promise":
            after(later(0.02, key, "after-promise"))
        case "order":
            after(lambda: push(key, "after-2"))
            after(lambda: push(key, "after-3"))
        case "nested":
            after(lambda: nested(key))
        case "error":
            after(failing)
            after(lambda: push(key, "after-survivor"))
        case "cookies":
            after(lambda: read_cookies(key))
        case "headers":
            after(lambda: read_headers(key))


async def later(seconds: float, key: str, message: str) -> None:
    await asyncio.sleep(seconds)
    push(key, message)


def nested(key: str) -> None:
    push(key, "outer")
    after(lambda: push(key, "inner"))


def failing() -> None:
    raise RuntimeError("after failed")


async def read_cookies(key: str) -> None:
    store = await cookies()
    a = store.get("a")
    push(key, f"read:{a.value if a else 'none'}")
    try:
        store.set("z", "1")
    except Exception as error:
        push(key, f"set-threw:{type(error).__name__}")
    else:
        push(key, "set-ok")


async def read_headers(key: str) -> None:
    push(key, f"ua:{(await headers()).get('user-agent')}")


async def stream(controller: Any, key: str) -> None:
    controller.enqueue(b"s1")
    await asyncio.sleep(0.2)
    push(key, "stream-end")
    controller.close()


GET = POST = handler
