"""The status endpoint as its clients may use it; a supervisor runs it, and must outlive all of them."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Iterator

import pytest

from waypost.server.status import Status, StatusServer


class Endpoint:
    """A StatusServer in a loop as the supervisor's, a turn at a time."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._selector = selectors.DefaultSelector()
        self.server = StatusServer(("127.0.0.1", 0), self._selector, status)
        self._clients: list[socket.socket] = []

    def connect(self) -> socket.socket:
        client = socket.create_connection(self.server.listener.getsockname(), timeout=2)
        self._clients.append(client)
        return client

    def turn(self) -> None:
        for key, _ in self._selector.select(0.2):
            key.data()

    def get(self, path: str) -> bytes:
        client = self.connect()
        client.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        self.turn()
        self.turn()
        return client.recv(65_536)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.server.close()
        self._selector.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[], Status]], Endpoint]]:
    running: list[Endpoint] = []

    def start(status: Callable[[], Status]) -> Endpoint:
        running.append(Endpoint(status))
        return running[-1]

    yield start
    for endpoint in running:
        endpoint.close()


def _well() -> Status:
    return Status(wanted=1, restarts=0, addresses=[], workers=[{"ready": True, "stopping": False, "pid": 1}])


def test_the_oldest_of_too_many_clients_may_speak_while_it_is_closed(
    serve: Callable[[Callable[[], Status]], Endpoint],
) -> None:
    endpoint = serve(_well)
    clients = []
    for _ in range(64):
        clients.append(endpoint.connect())
        endpoint.turn()
    endpoint.connect()
    clients[0].sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    endpoint.turn()  # both events in one turn: the newest is accepted, the oldest closed, and then it is its turn
    with pytest.raises(ConnectionResetError):
        clients[0].recv(1)
    assert endpoint.get("/health").startswith(b"HTTP/1.1 200 ")


def test_an_answer_that_fails_costs_its_client_and_nobody_else(
    serve: Callable[[Callable[[], Status]], Endpoint], caplog: pytest.LogCaptureFixture
) -> None:
    broken = [True]

    def status() -> Status:
        if broken:
            raise RuntimeError("the figures are broken")
        return _well()

    endpoint = serve(status)
    assert endpoint.get("/health") == b""
    assert "the figures are broken" in caplog.text
    broken.clear()
    assert endpoint.get("/health").startswith(b"HTTP/1.1 200 ")
