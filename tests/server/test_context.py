"""What a request sets in its context belongs to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from waypost.http.request import Request
from waypost.http.response import Response

Serve = Callable[..., Any]

user: ContextVar[str] = ContextVar("user", default="nobody")


async def handler(request: Request) -> Response:
    seen = user.get()
    user.set(request.query_string)
    await asyncio.sleep(0.02)
    return Response(seen)


def test_requests_that_wait_on_one_connection_see_nothing_of_each_other(serve: Serve) -> None:
    """A proxy may send requests of many people over one connection."""
    live = serve(handler)
    client = live.client()
    client.send(b"".join(b"GET /?%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(3)))
    assert [client.answer()[2] for _ in range(3)] == [b"nobody"] * 3
    client.send(b"GET /?later HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.answer()[2] == b"nobody"
