"""Service: what all connections of one worker share: the handler, the limits, the clock, the connections themselves.

Connections read it, server.py owns and changes it. `handler` may be replaced while requests run: each request takes
the one that is there when it starts.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from waypost.http.handler import Handler
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.site import Connection, Site
from waypost.server.arrivals import Arrivals
from waypost.server.limits import ServerLimits
from waypost.server.timeouts import Clock, tick_for

if TYPE_CHECKING:
    from waypost.server.protocol import HttpConnection

OnSent: TypeAlias = Callable[[Request], object]
Access: TypeAlias = "Callable[[Request, int, int, float, bool], object]"
Instant: TypeAlias = Callable[[Request], "Response | None"]
Upgrade: TypeAlias = "Callable[[HttpConnection, Request], Awaitable[Response | None]]"


class Successor(asyncio.Protocol):
    """What takes a connection over after an Upgrade. The connection goes on being counted and watched."""

    __slots__ = ()

    def check(self, now: float) -> None:
        """Called by the clock when the connection's `deadline` has passed; sets the next one."""

    def end(self, code: int, reason: str) -> None:
        """Begin to close, with a WebSocket's code."""


class Service:
    """The state of one server.

    handler: answers requests. on_sent: called once for each request that reached the handler, after the last byte was
    handed to the system or the connection broke; it must not block. access: called after each answer with the
    request, the status that was sent (0: nothing was), body bytes, seconds, and whether it was cut. upgrade: answers a
    request for a WebSocket: it gives a Response, or lets another protocol take the connection over and gives None when
    the conversation is over; None where no route has use for one, and such a request is an ordinary one.
    instant: answers a request at once, from what is ready, or gives None to have it handled; raises nothing.
    draining: answers carry `Connection: close`. context: what each request's own context is a copy of.
    """

    __slots__ = (
        "access", "active", "answers", "arrivals", "clock", "connections", "context", "draining", "handler",
        "head_allowance", "idle_deadline", "instant", "limits", "loop", "most_active", "on_sent", "on_settled",
        "requests", "site", "upgrade",
    )  # fmt: skip

    def __init__(
        self,
        handler: Handler,
        limits: ServerLimits,
        loop: asyncio.AbstractEventLoop,
        *,
        on_sent: OnSent | None = None,
        site: Site | None = None,
        access: Access | None = None,
        upgrade: Upgrade | None = None,
    ) -> None:
        self.handler = handler
        self.limits = limits
        self.loop = loop
        self.context = contextvars.copy_context()
        self.on_sent = on_sent
        self.site = site or Site()
        self.access = access
        self.upgrade = upgrade
        self.connections: set[HttpConnection] = set()
        self.arrivals = Arrivals(loop)
        self.clock = Clock(loop, self.connections, tick_for(limits))
        self.draining = False
        self.requests = 0
        self.active = 0
        self.most_active = limits.max_concurrent_requests or sys.maxsize
        self.answers = [0] * 6  # by hundreds of the status; [0] is unused
        self.head_allowance = min(limits.max_url_size, limits.max_header_size)
        self.idle_deadline = (limits.keep_alive_timeout or 1e9) + self.clock.tick
        self.instant: Instant | None = None
        self.on_settled: Callable[[], None] | None = None

    def describe(self, transport: asyncio.BaseTransport) -> Connection:
        """The facts of a new connection."""
        peer: Any = transport.get_extra_info("peername")
        own: Any = transport.get_extra_info("sockname")
        scheme = "https" if transport.get_extra_info("sslcontext") is not None else "http"
        # A Unix socket has a path, or nothing, where TCP has a tuple.
        address = peer[0] if isinstance(peer, tuple) else None
        server = (own[0], own[1]) if isinstance(own, tuple) else None
        return Connection(scheme, address, server, self.site)
