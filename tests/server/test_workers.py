"""Worker processes under a supervisor: born, killed, replaced, reloaded and ended, seen from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("worker processes need a POSIX system", allow_module_level=True)

from waypost.server.supervisor import pause_after

APP = Path(__file__).parent / "app"


class Process:
    """A server in a process of its own. count: of workers; 0 for one without a supervisor."""

    def __init__(self, folder: Path, count: int, status: int = 0, **config: Any) -> None:
        import json

        self.folder = folder
        self.log = folder / "log"
        port_file = folder / "port"
        command = [sys.executable, str(APP / "run.py"), str(port_file), str(count), json.dumps(config)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command + ([str(status)] if status else []),
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONPATH": os.pathsep.join([str(APP), os.environ.get("PYTHONPATH", "")])},
            )
        end = time.monotonic() + 20
        while not port_file.exists() and self.process.poll() is None:
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.02)
        self.port = int(port_file.read_text()) if port_file.exists() else 0

    def get(self, path: str = "/", *, timeout: float = 5) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            data = b""
            while more := client.recv(65536):
                data += more
        head, _, body = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise OSError(head)
        return body

    def pids(self, tries: int = 40) -> set[int]:
        return {int(self.get("/pid")) for _ in range(tries)}

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = 15) -> int:
        return self.process.wait(seconds)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    running: list[Process] = []

    def begin(count: int, **config: Any) -> Process:
        folder = tmp_path / str(len(running))
        folder.mkdir()
        running.append(Process(folder, count, **config))
        return running[-1]

    yield begin
    for process in running:
        process.end()


def _eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


class Load:
    """Closed-loop clients on kept connections. `lost`: what was sent and not answered."""

    def __init__(self, port: int, clients: int = 6, path: str = "/") -> None:
        self.port = port
        self.path = path
        self.lost: list[str] = []
        self.answered = 0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                client = socket.create_connection(("127.0.0.1", self.port), timeout=5)
            except OSError:
                time.sleep(0.01)
                continue
            try:
                while not self._over.is_set():
                    client.sendall(f"GET {self.path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                    data = b""
                    while b"\r\n\r\n" not in data:
                        more = client.recv(65536)
                        if not more:
                            raise OSError("closed")
                        data += more
                    self.answered += 1
                    if b"connection: close" in data:
                        break
            except OSError as error:
                self.lost.append(repr(error))
            client.close()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(10)


def test_two_workers_share_one_socket_and_stop_with_code_0(start: Callable[..., Process], tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    server = start(2, journal=str(journal))
    _eventually(lambda: len(server.pids()) == 2)
    pids = server.pids()
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    lines = journal.read_text().split("\n")
    assert sorted(line.split(" ")[1] for line in lines if line) == ["shutdown"] * 2 + ["startup"] * 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("count", [0, 1])
def test_running_requests_are_finished(start: Callable[..., Process], count: int) -> None:
    server = start(count)
    answers: list[bytes] = []
    threads = [threading.Thread(target=lambda: answers.append(server.get("/slow"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.4)
    server.signal(signal.SIGTERM)
    for thread in threads:
        thread.join(10)
    assert len(answers) == 8
    assert server.wait() == 0


@pytest.mark.parametrize("count", [0, 2])
def test_a_stop_under_load_loses_nothing(start: Callable[..., Process], count: int) -> None:
    server = start(count)
    load = Load(server.port)
    time.sleep(0.5)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    load.end()
    assert load.lost == []
    assert load.answered > 50


@pytest.mark.parametrize("count", [0, 1])
def test_a_second_signal_stops_at_once(start: Callable[..., Process], count: int) -> None:
    server = start(count)
    client = socket.create_connection(("127.0.0.1", server.port))
    client.sendall(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.recv(100)
    server.signal(signal.SIGINT)
    time.sleep(0.5)
    assert server.process.poll() is None
    server.signal(signal.SIGINT)
    assert server.wait(2) == 128 + signal.SIGINT
    client.close()


def test_a_worker_that_is_killed_is_replaced(start: Callable[..., Process]) -> None:
    server = start(2)
    _eventually(lambda: len(server.pids()) == 2)
    for _ in range(3):
        before = server.pids()
        os.kill(next(iter(before)), signal.SIGKILL)
        _eventually(lambda before=before: len(server.pids()) == 2 and server.pids() != before, 3)
    assert "signal 9" in server.log.read_text()


def test_a_reload_replaces_every_worker_and_loses_nothing(start: Callable[..., Process]) -> None:
    server = start(2)
    _eventually(lambda: len(server.pids()) == 2)
    before = server.pids()
    load = Load(server.port)
    time.sleep(0.2)
    server.signal(signal.SIGHUP)
    _eventually(lambda: len(server.pids()) == 2 and not (server.pids() & before))
    time.sleep(0.5)
    load.end()
    assert load.lost == []
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def test_a_reload_that_fails_keeps_the_old_workers(start: Callable[..., Process], tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    server = start(1, journal=str(journal), fail="later")
    before = server.pids()
    Path(f"{journal}.broken").touch()
    server.signal(signal.SIGHUP)
    _eventually(lambda: "the reload was given up" in server.log.read_text())
    assert "app/route.py:3: the project is broken" in server.log.read_text()
    assert server.pids() == before


class Slow:
    """One worker that takes its time to start, with the status of its supervisor."""

    def __init__(self, start: Callable[..., Process], folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.journal = folder / "journal"
        self.server = start(1, status=port, slow=1.5, journal=str(self.journal), fail="later")
        self.status = Process.__new__(Process)
        self.status.port = port
        self.pid = self.server.pids(1).pop()

    def successors(self) -> int:
        """How many processes the supervisor has beside the first one."""
        tasks = Path(f"/proc/{self.server.process.pid}/task/{self.server.process.pid}/children").read_text().split()
        return sum(pid != str(self.pid) and _alive(int(pid)) for pid in tasks)

    def _serves_anew(self) -> bool:
        with contextlib.suppress(OSError):  # nobody serves at the moment
            return b'"workers": 1' in self.status.get("/health") and self.pid not in self.server.pids(4)
        return False

    def settles_with_one(self) -> bool:
        """Whether one worker serves, another one than the first, and stays the only one."""
        _eventually(self._serves_anew)
        time.sleep(2.5)
        return self.journal.read_text().count("startup") == 2 and self.successors() == 1


def test_a_worker_that_dies_while_its_successor_starts_is_replaced_by_that_one(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    slow = Slow(start, tmp_path)
    slow.server.signal(signal.SIGHUP)
    _eventually(lambda: slow.successors() == 1)
    os.kill(slow.pid, signal.SIGKILL)
    assert slow.settles_with_one()


def test_a_worker_whose_successor_starts_already_gets_no_second_one(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    slow = Slow(start, tmp_path)
    slow.server.signal(signal.SIGHUP)
    _eventually(lambda: slow.successors() == 1)
    os.kill(slow.pid, signal.SIGTERM)  # it asks to be replaced
    assert slow.settles_with_one()


def test_a_worker_that_asked_to_be_replaced_is_as_soon_as_a_successor_can_start(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    slow = Slow(start, tmp_path)
    broken = Path(f"{slow.journal}.broken")
    broken.touch()
    os.kill(slow.pid, signal.SIGTERM)
    _eventually(lambda: slow.server.log.read_text().count("could not start") >= 2)
    assert slow.server.pids(4) == {slow.pid}, "the old one serves on"
    broken.unlink()
    assert slow.settles_with_one()


def test_a_worker_that_never_starts_is_tried_again_however_often_it_failed() -> None:
    assert 0 < pause_after(1) < pause_after(2) < pause_after(6) <= pause_after(5000) < 120


def test_a_start_that_fails_is_told_once_and_ends_with_1(start: Callable[..., Process]) -> None:
    server = start(3, fail="yes")
    assert server.wait() == 1
    assert server.log.read_text().count("app/route.py:3: the project is broken") == 1
    assert "Traceback" not in server.log.read_text()


def test_a_worker_that_crashes_at_its_first_start_ends_the_server(start: Callable[..., Process]) -> None:
    server = start(1, fail="crash")
    assert server.wait() == 1
    assert "exit code 9" in server.log.read_text()


def test_a_worker_is_replaced_after_its_requests(start: Callable[..., Process]) -> None:
    server = start(1, max_requests=50)
    load = Load(server.port, 3)
    first = server.pids(1)
    _eventually(lambda: server.pids(1) != first)
    load.end()
    assert load.lost == []
    assert "it has answered" in server.log.read_text()


def test_a_worker_that_holds_too_much_memory_is_replaced(start: Callable[..., Process]) -> None:
    server = start(1, worker_memory_limit=150_000_000)
    first = server.pids(1)
    server.get("/eat")
    _eventually(lambda: server.pids(1) != first)
    assert "MiB" in server.log.read_text()


def test_a_worker_that_hangs_is_killed_after_the_grace(start: Callable[..., Process]) -> None:
    server = start(1, shutdown_grace=1)

    def hang() -> None:
        with pytest.raises(OSError):
            server.get("/block")

    hanging = threading.Thread(target=hang)
    hanging.start()
    time.sleep(0.3)
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert time.monotonic() - began < 4
    hanging.join()


def test_a_signal_to_one_worker_replaces_it(start: Callable[..., Process]) -> None:
    server = start(1)
    (first,) = server.pids(1)
    load = Load(server.port, 3)
    os.kill(first, signal.SIGTERM)
    _eventually(lambda: server.pids(1) != {first})
    load.end()
    assert load.lost == []


def test_workers_end_with_their_supervisor(start: Callable[..., Process]) -> None:
    server = start(2)
    _eventually(lambda: len(server.pids()) == 2)
    pids = server.pids()
    server.signal(signal.SIGKILL)
    server.wait()
    _eventually(lambda: not any(_alive(pid) for pid in pids))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_status_endpoint_tells_of_every_worker(start: Callable[..., Process]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = start(2, status=port)
    _eventually(lambda: len(server.pids()) == 2)
    status = Process.__new__(Process)
    status.port = port
    _eventually(lambda: status.get("/metrics").count(b"waypost_requests_total{") == 2)
    text = status.get("/metrics").decode()
    assert "waypost_workers 2\n" in text and "waypost_memory_bytes{" in text
    requests = sum(int(line.split(" ")[1]) for line in text.split("\n") if line.startswith("waypost_requests_total{"))
    assert requests >= 40
    assert b'"workers": 2' in status.get("/health")
    with pytest.raises(OSError, match="404"):
        status.get("/")
