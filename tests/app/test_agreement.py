"""Invariant: where a handler ran, every middleware that covers it ran.

`scripts/agreement` asks 100,000 generated requests in process and 5,000 over the wire; here it is fewer.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from tests.app.agreement import ALL, EXAMPLES, MATCHERS, SETTINGS, Example, World, disagreement, make_world
from tests.app.wire import serve

from waypost.http.body import RequestBody
from waypost.http.request import incoming
from waypost.http.site import Connection

IN_PROCESS = int(os.environ.get("WAYPOST_AGREEMENT_EXAMPLES", "600"))
OVER_THE_WIRE = int(os.environ.get("WAYPOST_AGREEMENT_WIRE", "120"))
QUIET: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> list[World]:
    return [make_world(tmp_path_factory.mktemp(f"world{index}"), settings) for index, settings in enumerate(SETTINGS)]


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


async def ask(world: World, sent: Example) -> tuple[int, list[str], bytes]:
    application = world.application
    raw = [(b"Host", b"localhost"), *((name.encode(), value.encode()) for name, value in sent.headers)]
    connection = Connection("http", "127.0.0.1", None, application.site)
    body = None if sent.method in ("GET", "HEAD") else RequestBody.of(b"")
    # A task of its own, as a server gives it: contexts must not reach from one request into the next.
    response = await asyncio.create_task(application.handle(incoming(sent.method, sent.target, raw, body, connection)))
    return response.status, response.headers.get_all("x-ran"), await response.bytes()


def case(matcher: object, target: str, world: int = 0, **more: Any) -> Example:
    """An example for the matcher that is written like this."""
    index = next(at for at, (written, _) in enumerate(MATCHERS) if written == matcher)
    fields = {"wraps": False, "method": "GET", "headers": (), **more}
    return Example(world=world, matcher=index, target=target, **fields)


@settings(max_examples=IN_PROCESS, **QUIET)
@given(sent=EXAMPLES)
@example(sent=case("/admin/:path*", "/%61dmin/users"))
@example(sent=case("/admin/:path*", "/admin%2Fusers"))
@example(sent=case("/p/:a/:b", "/%70/a%2Fb/c"))
@example(sent=case("/café/:path*", "/caf%c3%a9/x%20y"))
@example(sent=case("/((?!api|static).*)", "/%61pi/x"))
@example(sent=case("/admin/:path*", "/old/users", world=4))
@example(sent=case("/admin", "/docs/%61dmin", world=1))
@example(sent=case("/(.*)", "/docs", world=1))
@example(sent=case("/((?!api|static).*)", "/docs", world=1, wraps=True))
def test_where_a_handler_ran_its_middleware_ran(
    worlds: list[World], loop: asyncio.AbstractEventLoop, sent: Example
) -> None:
    world = worlds[sent.world]
    world.choose(sent.matcher, sent.wraps)
    assert disagreement(sent, *loop.run_until_complete(ask(world, sent))) is None


def ask_over_the_wire(port: int, sent: Example) -> tuple[int, list[str], bytes]:
    lines = [f"{sent.method} {sent.target} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in sent.headers]
    lines += ["Content-Length: 0"] if sent.method not in ("GET", "HEAD") else []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        out = b""
        while more := client.recv(65536):
            out += more
    head, _, body = out.partition(b"\r\n\r\n")
    fields = head.decode("latin-1").split("\r\n")
    ran = [line.partition(":")[2].strip() for line in fields[1:] if line.lower().startswith("x-ran:")]
    return int(fields[0].split(" ")[1]), ran, body


def check_over_the_wire(index: int, world: World, port: int) -> None:
    @settings(max_examples=max(OVER_THE_WIRE // len(SETTINGS), 1), database=None, **QUIET)
    @given(sent=EXAMPLES.map(lambda sent: replace(sent, world=index)))
    def check(sent: Example) -> None:
        world.choose(sent.matcher, sent.wraps)
        assert disagreement(sent, *ask_over_the_wire(port, sent)) is None

    check()


def test_over_the_wire(worlds: list[World]) -> None:
    for index, world in enumerate(worlds):
        with serve(world.application) as port:
            check_over_the_wire(index, world, port)


def test_the_judge_can_say_no() -> None:
    answer = b'{"route": "/admin/[id]", "params": {"id": "users"}}'
    sent = case("/admin/:path*", "/admin/users")
    assert disagreement(sent, 200, ["1"], answer) is None
    assert "did not run" in (disagreement(sent, 200, [], answer) or "")
    assert "2 times" in (disagreement(sent, 200, ["1", "1"], answer) or "")
    assert "status 500" in (disagreement(sent, 500, [], b"") or "")
    assert "does not cover" in (disagreement(case("/admin", "/admin/users"), 200, ["1"], answer) or "")


def test_handlers_do_run_behind_every_matcher(worlds: list[World], loop: asyncio.AbstractEventLoop) -> None:
    """Without it the property above could hold because nothing is ever answered."""
    for index in range(len(ALL)):
        for wraps in (False, True):
            worlds[0].choose(index, wraps)
            sent = Example(0, index, wraps, "GET", "/admin/users", (("x-beta", "yes"),))
            status, ran, body = loop.run_until_complete(ask(worlds[0], sent))
            assert (status, disagreement(sent, status, ran, body)) == (200, None)
