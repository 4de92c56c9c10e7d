"""One worker: an event loop that serves an application until it is told to stop.

A supervisor starts it as a process of its own (`python -m waypost.server.worker`), with the listening sockets
inherited and its orders on a socket pair; `run` also serves in this process, without a supervisor. What it serves is
named, never pickled: a function that gives a `Serving`. Knows no application.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from waypost.errors import StartupError
from waypost.garbage import settle
from waypost.http.handler import Handler
from waypost.http.site import Site
from waypost.server.control import Channel, WorkerSpec
from waypost.server.limits import ServerLimits
from waypost.server.logs import AccessLog, set_up
from waypost.server.memory import resident_bytes
from waypost.server.server import Server
from waypost.server.service import Instant, OnSent, Upgrade
from waypost.server.sockets import adopt, raise_file_limit
from waypost.server.threads import WorkerThreads, leave, wait_for_threads

logger = logging.getLogger("waypost.server")

LEAST_FOR_SHUTDOWN = 0.5  # seconds that the application's own shutdown gets, however long requests took


class Serving(NamedTuple):
    """What a factory gives.

    handler answers requests; startup runs before the first, shutdown(grace seconds) after the last; on_sent is called
    after each response. config: an object with the fields of ServerLimits. upgrade: see service.Service. instant: asked
    after startup, gives Service.instant.
    """

    handler: Handler
    startup: Callable[[], Awaitable[object]] | None = None
    shutdown: Callable[[float], Awaitable[object]] | None = None
    on_sent: OnSent | None = None
    site: Site | None = None
    config: object = None
    upgrade: Upgrade | None = None
    instant: Callable[[], Instant | None] | None = None


def make_serving(factory: str, arguments: dict[str, object]) -> Serving:
    """Call the factory "module:function". Raises whatever it raises."""
    module, _, name = factory.partition(":")
    made = getattr(importlib.import_module(module), name)(**arguments)
    return made if isinstance(made, Serving) else Serving(*made)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop, winloop on Windows, or asyncio's own loop with a note that it is slower."""
    try:
        if sys.platform == "win32":
            import winloop  # type: ignore[import-not-found,unused-ignore]  # installed on Windows only

            return winloop.new_event_loop()  # type: ignore[no-any-return,unused-ignore]  # as above
        import uvloop

        # Without it one worker takes most of the connections that arrive at once.
        os.environ.setdefault("UV_TCP_SINGLE_ACCEPT", "1")
        return uvloop.new_event_loop()
    except ImportError:
        logger.info("uvloop is not installed: asyncio's own event loop is used, which is slower")
        return asyncio.new_event_loop()


def run(
    serving: Serving,
    sockets: Sequence[socket.socket],
    channel: Channel | None = None,
    *,
    stats: bool = False,
    on_ready: Callable[[], object] | None = None,
) -> int:
    """Serve until a signal or an order; gives the exit code. Raises what startup raises.

    channel: to a supervisor; None when there is none. on_ready: called once the sockets accept.
    """
    raise_file_limit()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.get_loop().set_default_executor(WorkerThreads())
        worker = Worker(serving, sockets, channel, stats, on_ready)
        code = runner.run(worker.serve())
    if not wait_for_threads(worker.left):
        leave(code)
    return code


class Worker:
    """The run of one worker."""

    def __init__(
        self,
        serving: Serving,
        sockets: Sequence[socket.socket],
        channel: Channel | None,
        stats: bool,
        on_ready: Callable[[], object] | None,
    ) -> None:
        self.limits = ServerLimits.from_config(serving.config)
        self._serving = serving
        self._sockets = sockets
        self._channel = channel
        self._stats = stats
        self._on_ready = on_ready
        self._access = AccessLog(self.limits.log_format) if self.limits.access_log else None
        self._stop = asyncio.Event()
        self._grace = self.limits.shutdown_grace
        self._end = 0.0
        self._signals = 0
        self._asked = False
        self._drained = False
        self.server = Server(
            serving.handler,
            self.limits,
            on_sent=serving.on_sent,
            site=serving.site,
            access=self._access.log if self._access else None,
            upgrade=serving.upgrade,
        )

    async def serve(self) -> int:
        loop = asyncio.get_running_loop()
        serving = self._serving
        self._listen_for_orders(loop)
        if serving.startup is not None:
            await serving.startup()
        await self.server.start(self._sockets)
        if serving.instant is not None:
            self.server.service.instant = serving.instant()
        self.server.service.clock.every_tick(self._tick)
        settle()
        if self._channel is not None:
            self._channel.send({"ready": True})
        if self._on_ready is not None:
            self._on_ready()
        await self._stop.wait()
        self._end = time.monotonic() + self._grace
        await self.server.stop(self._grace, last=self._channel is None)
        if serving.shutdown is not None:
            try:
                await serving.shutdown(self.left)
            except Exception:
                logger.exception("the application's shutdown failed")
        if self._access is not None:
            self._access.flush()
        return 0

    @property
    def left(self) -> float:
        """Seconds of the grace that are left, a little more than none in any case."""
        return max(LEAST_FOR_SHUTDOWN, self._end - time.monotonic())

    # -- orders

    def _listen_for_orders(self, loop: asyncio.AbstractEventLoop) -> None:
        channel = self._channel
        if channel is not None:
            channel.socket.setblocking(False)
            loop.add_reader(channel.socket.fileno(), self._read_orders)
        if sys.platform == "win32":
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda number, _: loop.call_soon_threadsafe(self._signalled, number))
            return
        loop.add_signal_handler(signal.SIGTERM, self._signalled, signal.SIGTERM)
        if channel is None:
            loop.add_signal_handler(signal.SIGINT, self._signalled, signal.SIGINT)
        else:
            # A terminal sends these to the whole group; the supervisor has them and gives the order.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _signalled(self, number: int) -> None:
        self._signals += 1
        if self._signals > 1:
            if self._access is not None:
                self._access.flush()
            os._exit(128 + number)
        if self._channel is None:
            self._stop.set()
        else:
            # A worker that stopped by itself could lose what waits to be accepted, if all are stopping.
            self._channel.send({"replace": "it was asked to end by a signal"})

    def _read_orders(self) -> None:
        channel = self._channel
        assert channel is not None
        for message in channel.receive():
            order = message.get("do")
            if order == "drain":
                self._drained = False
                self._asked = True
                self.server.drain()
                self._report_drained()
            elif order == "stop":
                self._grace = float(message.get("grace", self._grace))
                self._stop.set()
        if channel.closed:
            asyncio.get_running_loop().remove_reader(channel.socket.fileno())
            self._stop.set()

    # -- once a second

    def _tick(self) -> None:
        service = self.server.service
        if self._access is not None:
            self._access.flush()
        if self._channel is None:
            return
        if service.draining:
            self._report_drained()
        elif not self._asked:
            self._ask_for_replacement()
        if self._stats:
            self._channel.send({"stats": self._figures()})

    def _report_drained(self) -> None:
        if self._channel is not None and not self._drained and not self.server.service.connections:
            self._drained = True
            self._channel.send({"drained": True})

    def _ask_for_replacement(self) -> None:
        limits = self.limits
        reason = ""
        if limits.max_requests and self.server.service.requests >= limits.max_requests:
            reason = f"it has answered {self.server.service.requests} requests"
        elif limits.worker_memory_limit and (memory := resident_bytes()) > limits.worker_memory_limit:
            reason = f"it holds {memory // 1_048_576} MiB"
        if reason and self._channel is not None:
            self._asked = True
            self._channel.send({"replace": reason})

    def _figures(self) -> dict[str, object]:
        service = self.server.service
        return {
            "requests": service.requests,
            "active": service.active,
            "connections": len(service.connections),
            "answers": service.answers,
            "memory": resident_bytes(),
            "late": service.clock.late,
        }


def main() -> int:
    """The process that a supervisor starts: argument 1 is the descriptor of its channel."""
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    spec = WorkerSpec.from_message(channel.wait_for_one())
    channel.socket.set_inheritable(False)
    try:
        serving = make_serving(spec.factory, spec.arguments)
        set_up(ServerLimits.from_config(serving.config).log_format)
        return run(serving, adopt(spec.sockets), channel, stats=spec.stats)
    except StartupError as error:
        channel.send({"failed": str(error)})
        return 1
    except Exception:
        channel.send({"failed": traceback.format_exc()})
        return 1


if __name__ == "__main__":
    sys.exit(main())
