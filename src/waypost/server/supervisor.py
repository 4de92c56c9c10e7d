"""Supervisor: worker processes around one set of listening sockets.

It starts them, replaces the one that dies, and lets a stop or a reload lose no request: the sockets stay open as
long as anyone may still accept from them. It runs no event loop and none of the application's code; what the workers
do they are told over channels (control.py). POSIX only.
Source: signal(7); the order of a rolling reload is that of nginx and gunicorn.
"""

from __future__ import annotations

import logging
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from waypost.errors import StartupError
from waypost.server.control import Channel, WorkerSpec
from waypost.server.sockets import address_of, refuse_handshakes
from waypost.server.status import Status, StatusServer

logger = logging.getLogger("waypost.server")

DRAIN = 1.0  # seconds in which kept connections are told to end, at most
_HANDSHAKES = 0.05  # seconds for handshakes that have begun
_STEADY = 1.0  # seconds of service after which a death is no crash at start
_LONGEST_PAUSE = 5.0  # seconds between two starts of a worker that keeps crashing
_PATIENCE = 60.0  # the same where the worker that it is to replace serves on
_KILL_AFTER = 1.5  # seconds past the grace


@dataclass(slots=True, eq=False)
class _Worker:
    """A process. number: its place, from 1; of those in one place the youngest that is ready stays.

    stopping: it was told to end, so its death is no accident. leaving: it asked to be replaced. successor: it starts
    while another serves in its place.
    """

    number: int
    process: subprocess.Popen[bytes]
    channel: Channel
    began: float
    ready_at: float = 0.0
    stopping: bool = False
    drained: bool = False
    kill_at: float = 0.0
    leaving: bool = False
    successor: bool = False
    failed: str = ""
    figures: dict[str, Any] | None = None


class Supervisor:
    """Keeps `count` workers serving.

    factory, arguments: see WorkerSpec. sockets: listening; they are closed at the end. grace: seconds for a stop.
    status: where to answer with the health of the workers, (host, port); None for nowhere.
    on_ready: called once, when the first worker serves.
    """

    def __init__(
        self,
        factory: str,
        arguments: dict[str, Any],
        sockets: Sequence[socket.socket],
        *,
        count: int = 1,
        grace: float = 10.0,
        status: tuple[str, int] | None = None,
        on_ready: Callable[[], object] | None = None,
    ) -> None:
        self._factory = factory
        self._arguments = arguments
        self._sockets = list(sockets)
        self._count = count
        self._grace = grace
        self._on_ready = on_ready
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        self._pauses: dict[int, float] = {}  # number → until when its place waits, after a crash
        self._crashes: dict[int, int] = {}
        self._reloads: list[_Worker] = []  # to be replaced, one after the other
        self._was_ready = False
        self._ending = ""  # "", "drain", "stop"
        self._end_at = 0.0
        self._code = 0
        self._restarts = 0
        self._status = StatusServer(status, self._selector, self.status) if status is not None else None

    # -- the loop

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; gives the exit code: 0, or 1 when the application could not start."""
        signals, wakeup = socket.socketpair()
        signals.setblocking(False)
        wakeup.setblocking(False)
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        before = {number: signal.signal(number, lambda *_: None) for number in numbers}
        old_wakeup = signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        self._selector.register(signals, selectors.EVENT_READ, lambda: self._read_signals(signals))
        try:
            self._fill_places()
            while self._workers or not self._ending:
                for key, _ in self._selector.select(self._timeout()):
                    key.data()
                self._reap()
                self._keep_time()
        finally:
            signal.set_wakeup_fd(old_wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            for worker in self._workers:
                worker.process.kill()
            if self._status is not None:
                self._status.close()
            self._selector.close()
            signals.close()
            wakeup.close()
            self._close_sockets()
        return self._code

    def _timeout(self) -> float:
        now = time.monotonic()
        times = list(self._pauses.values()) + [worker.kill_at for worker in self._workers if worker.kill_at]
        if self._ending == "drain":
            times.append(self._end_at)
        return max(0.0, min([1.0, *(when - now for when in times)]))

    def _read_signals(self, signals: socket.socket) -> None:
        for number in signals.recv(64):
            if number in (signal.SIGTERM, signal.SIGINT):
                if self._ending:
                    self._stop_at_once(number)
                else:
                    self._begin_end()
            elif number == signal.SIGHUP and not self._ending:
                logger.info("reloading: workers are replaced one after the other")
                self._reloads = [worker for worker in self._workers if not worker.stopping and worker.ready_at]
                self._next_reload()

    # -- workers

    def _fill_places(self) -> None:
        """Start a worker in each place in which nobody is, or starts, who is to stay."""
        now = time.monotonic()
        for number in range(1, self._count + 1):
            if self._pauses.get(number, 0.0) > now:
                continue
            self._pauses.pop(number, None)
            if all(worker.leaving for worker in self._in_place(number)):
                self._start(number)

    def _in_place(self, number: int) -> list[_Worker]:
        """Those of one place that were not told to end, the oldest first."""
        return [worker for worker in self._workers if worker.number == number and not worker.stopping]

    def _start(self, number: int) -> None:
        ours, theirs = socket.socketpair()
        descriptors = tuple(listener.fileno() for listener in self._sockets)
        command = [sys.executable, *_interpreter_flags(), "-P", "-m", "waypost.server.worker", str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=(theirs.fileno(), *descriptors), stdin=subprocess.DEVNULL)
        theirs.close()
        channel = Channel(ours)
        worker = _Worker(number, process, channel, time.monotonic(), successor=bool(self._in_place(number)))
        spec = WorkerSpec(
            factory=self._factory,
            arguments=self._arguments,
            sockets=descriptors,
            number=number,
            stats=self._status is not None,
        )
        channel.send(spec.as_message())
        ours.setblocking(False)
        self._selector.register(ours, selectors.EVENT_READ, lambda: self._read(worker))
        self._workers.append(worker)

    def _read(self, worker: _Worker) -> None:
        for message in worker.channel.receive():
            if message.get("ready"):
                self._now_ready(worker)
            elif "failed" in message:
                worker.failed = str(message["failed"])
            elif "replace" in message and not worker.stopping and not self._ending:
                logger.info("worker %d is replaced: %s", worker.process.pid, message["replace"])
                worker.leaving = True
            elif message.get("drained"):
                worker.drained = True
            elif "stats" in message:
                worker.figures = message["stats"]
        if worker.channel.closed:
            self._forget_channel(worker)

    def _forget_channel(self, worker: _Worker) -> None:
        try:
            self._selector.unregister(worker.channel.socket)
        except (KeyError, ValueError):
            return
        worker.channel.close()

    def _now_ready(self, worker: _Worker) -> None:
        worker.ready_at = time.monotonic()
        if self._ending:
            self._tell_end(worker)
            return
        if worker.stopping:
            return  # a younger one was faster, and has its place
        worker.successor = False
        for other in self._in_place(worker.number):
            if other is worker:
                break
            self._retire(other)
        if not self._was_ready:
            self._was_ready = True
            if self._on_ready is not None:
                self._on_ready()
        self._next_reload()

    def _retire(self, worker: _Worker) -> None:
        """Others accept now: this one finishes what it has and ends."""
        worker.stopping = True
        worker.kill_at = time.monotonic() + self._grace + _KILL_AFTER
        worker.channel.send({"do": "stop", "grace": self._grace})

    def _next_reload(self) -> None:
        if any(worker.successor and not worker.stopping for worker in self._workers):
            return
        while self._reloads:
            worker = self._reloads.pop(0)
            if worker in self._workers and not worker.stopping:
                self._start(worker.number)
                return

    def _reap(self) -> None:
        for worker in list(self._workers):
            code = worker.process.poll()
            if code is None:
                continue
            if not worker.channel.closed:
                self._read(worker)  # its last words
            self._forget_channel(worker)
            self._workers.remove(worker)
            if not worker.stopping and not self._ending:
                self._died(worker, code)

    def _died(self, worker: _Worker, code: int) -> None:
        now = time.monotonic()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if not worker.ready_at and not self._was_ready:
            print(worker.failed or f"a worker ended with {how} before it was ready", file=sys.stderr)
            self._code = 1
            self._begin_end()
            return
        if worker.failed:
            logger.error("worker %d could not start:\n%s", worker.process.pid, worker.failed)
        else:
            logger.error("worker %d ended with %s", worker.process.pid, how)
        self._restarts += 1
        others = self._in_place(worker.number)
        if worker.successor:
            # A reload that fails leaves the old workers as they are.
            self._reloads.clear()
            if any(not other.leaving for other in others):
                logger.error("the reload was given up: the old workers go on")
                return
        if worker.ready_at and now - worker.ready_at >= _STEADY:
            self._crashes.pop(worker.number, None)
        crashes = self._crashes.get(worker.number, 0)
        self._crashes[worker.number] = crashes + 1
        longest = _PATIENCE if others else _LONGEST_PAUSE
        # Set in any case: the pause for a successor must not hold when the worker that served on has died.
        self._pauses[worker.number] = now + (pause_after(crashes, longest) if crashes else 0.0)

    # -- time and the end

    def _keep_time(self) -> None:
        now = time.monotonic()
        if not self._ending:
            self._fill_places()
        for worker in self._workers:
            if worker.kill_at and worker.kill_at <= now:
                logger.error("worker %d did not end in time and was killed", worker.process.pid)
                worker.kill_at = 0.0
                worker.process.kill()
        if self._ending == "drain" and (now >= self._end_at or all(worker.drained for worker in self._workers)):
            self._finish_end()

    def _begin_end(self) -> None:
        """Answers end their connections from now on, while new ones are still accepted."""
        self._ending = "drain"
        self._pauses.clear()
        self._end_at = time.monotonic() + min(DRAIN, self._grace / 4)
        for worker in self._workers:
            if worker.ready_at:
                self._tell_end(worker)
            else:
                # It dies of the signal while it still imports, and takes the order once it has a loop.
                worker.stopping = worker.drained = True
                worker.channel.send({"do": "stop", "grace": 0})
                worker.process.terminate()

    def _tell_end(self, worker: _Worker) -> None:
        if not worker.stopping:
            worker.channel.send({"do": "stop" if self._ending == "stop" else "drain", "grace": self._grace})
            worker.stopping = self._ending == "stop"
        else:
            worker.drained = True

    def _finish_end(self) -> None:
        """No handshake begins any more; what was accepted is answered, and the workers end."""
        self._ending = "stop"
        filtered = [refuse_handshakes(listener) for listener in self._sockets]
        if any(filtered):
            time.sleep(_HANDSHAKES)
        self._close_sockets()
        grace = max(0.0, self._grace - min(DRAIN, self._grace / 4))
        for worker in self._workers:
            if not worker.stopping:
                worker.stopping = True
                worker.channel.send({"do": "stop", "grace": grace})
            worker.kill_at = time.monotonic() + grace + _KILL_AFTER

    def _stop_at_once(self, number: int) -> None:
        self._code = 128 + number
        for worker in self._workers:
            worker.stopping = True
            worker.process.kill()

    def _close_sockets(self) -> None:
        for listener in self._sockets:
            listener.close()
        self._sockets.clear()

    # -- what others see

    def status(self) -> Status:
        """The health of the workers, at this moment."""
        return Status(
            wanted=self._count,
            restarts=self._restarts,
            addresses=[address_of(listener) for listener in self._sockets],
            workers=[
                {
                    "pid": worker.process.pid,
                    "number": worker.number,
                    "ready": bool(worker.ready_at),
                    "stopping": worker.stopping,
                    **(worker.figures or {}),
                }
                for worker in self._workers
            ],
        )


def pause_after(crashes: int, longest: float = _LONGEST_PAUSE) -> float:
    """Seconds until the next start, after so many deaths without a second of service in between."""
    return min(longest, 0.05 * 2.0 ** min(crashes, 16))  # without a bound an OverflowError ends us


def serve(
    factory: str,
    arguments: dict[str, Any],
    sockets: Sequence[socket.socket],
    **options: Any,
) -> int:
    """Run a Supervisor to its end; see its arguments. Raises StartupError on Windows."""
    if sys.platform == "win32":
        raise StartupError("worker processes need a POSIX system", remedy="Start with workers = 1.")
    return Supervisor(factory, arguments, sockets, **options).run()


def _interpreter_flags() -> list[str]:
    """-O, -X and -W of this interpreter, for a child."""
    flags = ["-O"] * sys.flags.optimize
    flags += [f"-W{option}" for option in sys.warnoptions]
    flags += [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in sys._xoptions.items()]
    return flags
