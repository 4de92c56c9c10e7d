"""Server: listening sockets, their connections, and how they end; for one event loop.

`waypost start` runs one in each worker, `waypost dev` and tests run one in their own process. `handler` may be
replaced at any time: requests that run finish with the old one, the port and the open connections stay.
Knows no processes and no signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Sequence

from waypost.http.handler import Handler
from waypost.http.site import Site
from waypost.server.intake import HEAD
from waypost.server.limits import ServerLimits
from waypost.server.protocol import HttpConnection
from waypost.server.proxy_protocol import ProxyPreface
from waypost.server.service import Access, OnSent, Service, Upgrade
from waypost.server.sockets import refuse_handshakes
from waypost.server.tls import server_context

logger = logging.getLogger("waypost.server")

DRAIN = 1.0  # seconds in which kept connections are told to end, at most; a quarter of the grace if that is less
SHUTDOWN_NOTICE = 2.0  # seconds before the end of the grace at which streams are asked to end
_CLEAN_UP = 0.5  # seconds that cancelled handlers get


class Server:
    """An HTTP/1.1 server over `handler`.

    config: a ServerLimits, or anything with fields of those names. The other arguments are Service's.
    """

    def __init__(
        self,
        handler: Handler,
        config: object = None,
        *,
        on_sent: OnSent | None = None,
        site: Site | None = None,
        access: Access | None = None,
        upgrade: Upgrade | None = None,
    ) -> None:
        self.limits = config if isinstance(config, ServerLimits) else ServerLimits.from_config(config)
        self._handler = handler
        self._options = {"on_sent": on_sent, "site": site, "access": access, "upgrade": upgrade}
        self._service: Service | None = None
        self._listeners: list[asyncio.AbstractServer] = []
        self._sockets: list[socket.socket] = []
        self._tls: ssl.SSLContext | None = None
        self._changed = asyncio.Event()

    @property
    def handler(self) -> Handler:
        return self._handler

    @handler.setter
    def handler(self, handler: Handler) -> None:
        self._handler = handler
        if self._service is not None:
            self._service.handler = handler

    @property
    def service(self) -> Service:
        """What the connections share; there is one once the server was started."""
        assert self._service is not None, "the server was not started"
        return self._service

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Accept connections from listening sockets. Raises StartupError for a certificate that can't be used."""
        limits = self.limits
        loop = asyncio.get_running_loop()
        if limits.tls_certificate:
            self._tls = server_context(limits.tls_certificate, limits.tls_key)
        self._service = service = Service(self._handler, limits, loop, **self._options)  # type: ignore[arg-type]  # the keywords of __init__
        service.on_settled = self._changed.set
        for listener in sockets:
            self._sockets.append(listener)
            self._listeners.append(
                await loop.create_server(
                    self._protocol,
                    sock=listener,
                    backlog=limits.backlog,
                    ssl=self._tls,
                    ssl_handshake_timeout=self._handshake_timeout,
                )
            )
        service.clock.start()

    def drain(self) -> None:
        """From now on answers carry `Connection: close`; connections are still accepted."""
        self.service.draining = True

    async def stop(self, grace: float | None = None, *, last: bool = True) -> None:
        """End: kept connections are drained, running handlers get `grace` seconds, then they are cancelled.

        last: nobody else accepts from these sockets, so what waits in them is still answered, and new handshakes are
        refused. Shortly before the end, `request.signal` of what still runs is aborted with the reason "shutdown", and
        WebSockets are closed with 1001.
        """
        service = self.service
        grace = self.limits.shutdown_grace if grace is None else grace
        loop = service.loop
        end = loop.time() + grace
        self.drain()
        drain = min(DRAIN, grace / 4)
        if last:
            await self._until(lambda: not service.connections, loop.time() + drain)
            filtered = [refuse_handshakes(listener) for listener in self._sockets]
            if any(filtered):
                await asyncio.sleep(0.05)  # handshakes that had begun come to their end
            await self._close_listeners(drain)
        else:
            await self._close_listeners(drain)
            await self._until(lambda: not service.connections, loop.time() + drain)
        # What arrived in the meantime is read before a connection counts as idle.
        await asyncio.sleep(0.01)
        self._end_idle(fresh=False)
        notice = end - min(SHUTDOWN_NOTICE, grace / 2)
        await self._until(self._nothing_runs, notice)
        for connection in list(service.connections):
            connection.ask_to_end()
        await self._until(self._nothing_runs, end)
        for connection in list(service.connections):
            connection.end_running()
        await self._until(lambda: not service.connections, loop.time() + _CLEAN_UP)
        for connection in list(service.connections):
            connection.abort()
        service.clock.stop()
        await asyncio.sleep(0)

    def close_sockets(self, code: int, reason: str) -> None:
        """Close all WebSockets."""
        for connection in list(self.service.connections):
            if connection.taken is not None:
                connection.taken.end(code, reason)

    def _nothing_runs(self) -> bool:
        self._end_idle(fresh=True)
        return not self.service.connections

    def _end_idle(self, *, fresh: bool) -> None:
        """Close what has nothing to say; a connection that was only just accepted is given a moment (not `fresh`)."""
        now = self.service.clock.now
        for connection in list(self.service.connections):
            if fresh or connection.phase != HEAD or now - connection.accepted > DRAIN:
                connection.end_idle()

    async def _until(self, done: Callable[[], bool], when: float) -> None:
        """Wait until done() or the time `when`, looking whenever a connection ends."""
        loop = self.service.loop
        while not done() and (left := when - loop.time()) > 0:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, 0.25))
            except TimeoutError:
                continue

    @property
    def _handshake_timeout(self) -> float | None:
        return (self.limits.header_timeout or None) if self._tls is not None else None

    async def _close_listeners(self, patience: float) -> None:
        """Accept what waits already, then no more. patience: seconds for handshakes of TLS."""
        arriving: list[asyncio.Task[None]] = []
        for sock in self._sockets:
            while True:
                try:
                    waiting, _ = sock.accept()
                except OSError:  # nothing waits, or another worker was faster
                    break
                waiting.setblocking(False)
                arriving.append(asyncio.create_task(self._take(waiting)))
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()
        if arriving:
            # All at once: a client that says nothing must not keep the others waiting, nor the stop.
            _, late = await asyncio.wait(arriving, timeout=patience)
            for task in late:
                task.cancel()

    async def _take(self, accepted: socket.socket) -> None:
        """Serve a connection that was accepted by hand; one that fails in its handshake is nobody's matter."""
        with contextlib.suppress(OSError):
            await self.service.loop.connect_accepted_socket(
                self._protocol, accepted, ssl=self._tls, ssl_handshake_timeout=self._handshake_timeout
            )

    def _protocol(self) -> asyncio.Protocol:
        return ProxyPreface(self.service) if self.limits.proxy_protocol else HttpConnection(self.service)
