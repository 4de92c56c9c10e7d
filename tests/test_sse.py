from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application
from tests.server.conftest import Live

from waypost.errors import InvalidResponseError
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.sse import Event, EventStream, last_event_id
from waypost.testing import AsyncClient, Client, request_scope

FIELDS: list[str] = json.loads((Path(__file__).parent / "data" / "sse-fields.json").read_text())


@dataclass
class Seen:
    """What a page is told of."""

    data: str
    type: str
    id: str


def browser(stream: bytes) -> tuple[list[Seen], int | None]:
    """The events and the reconnection time of a stream, read by the rules of the HTML standard, section 9.2.6."""
    text = stream.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    events, data, kind, last, buffered, retry = [], "", "", "", "", None
    for line in text.split("\n")[:-1]:
        name, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            last = buffered
            if data:
                events.append(Seen(data.removesuffix("\n"), kind or "message", last))
            data = kind = ""
        elif colon and not name:
            continue
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            buffered = value
        elif name == "retry" and value.isascii() and value.isdigit():
            retry = int(value)
    return events, retry


def lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("text", [*FIELDS, " leading", "a:b", "é\u2028\x85", "\ufeffbom", "x\r", "\r\n\n\r"])
def test_text_of_any_kind_is_one_event_with_this_data(text: str) -> None:
    for event in (Event(text), Event(text, event="e", id="1", retry=5)):
        seen, _ = browser(bytes(event) + bytes(Event("next")))
        assert [item.data for item in seen] == [lines(text), "next"]


@pytest.mark.parametrize("text", FIELDS)
def test_other_fields_carry_their_text_or_refuse_it(text: str) -> None:
    if set(text) & {"\r", "\n", "\0"}:
        with pytest.raises(ValueError, match="line break or NUL"):
            Event("x", event=text)
        with pytest.raises(ValueError, match="line break or NUL"):
            Event("x", id=text)
    else:
        assert browser(bytes(Event("x", event=text, id=text)))[0] == [Seen("x", text or "message", text)]


def test_data_that_is_no_text_is_json() -> None:
    assert bytes(Event({"a": [1, "x\ny"]}, event="e")) == b'event: e\ndata: {"a":[1,"x\\ny"]}\n\n'
    assert bytes(Event(0)) == b"data: 0\n\n"
    assert bytes(Event("half \ud83d")).decode() == "data: half \ufffd\n\n"
    with pytest.raises(InvalidResponseError):
        Event(object())


def test_id_and_retry_alone_are_no_event_of_the_page() -> None:
    assert browser(bytes(Event(id=7)) + bytes(Event("x"))) == ([Seen("x", "message", "7")], None)
    assert browser(bytes(Event(retry=3000))) == ([], 3000)
    assert browser(bytes(Event("x", id=1)) + bytes(Event("y", id="")))[0][1].id == ""


@pytest.mark.parametrize("retry", [-1, True, 1.5, "3"])
def test_retry_is_a_number_of_milliseconds(retry: Any) -> None:
    with pytest.raises(ValueError, match="milliseconds"):
        Event("x", retry=retry)


def test_an_event_says_something() -> None:
    with pytest.raises(ValueError, match="says nothing"):
        Event()
    assert repr(Event("x", id=3)) == "Event('x', id='3')"


def test_the_response() -> None:
    response = EventStream([Event("a", id=1), "b", {"c": 1}], retry=2000)
    assert dict(response.headers) == {
        "content-type": "text/event-stream",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
    }
    assert asyncio.run(response.bytes()) == b'retry: 2000\n\nid: 1\ndata: a\n\ndata: b\n\ndata: {"c":1}\n\n'
    own = EventStream([], headers={"Cache-Control": "no-store", "X-Own": "1"})
    assert (own.headers["cache-control"], own.headers["x-own"]) == ("no-store", "1")


@pytest.mark.parametrize("events", ["text", b"bytes", {"a": 1}, None, 7])
def test_what_is_no_stream_of_events_is_refused(events: Any) -> None:
    with pytest.raises(TypeError, match="iterable of events"):
        EventStream(events)
    with pytest.raises(ValueError, match="heartbeat"):
        EventStream([], heartbeat=0)


@pytest.mark.parametrize("item", [None, b"bytes"])
def test_an_item_that_is_no_event_breaks_the_stream(item: Any) -> None:
    with pytest.raises(TypeError, match="sends Event objects"):
        asyncio.run(EventStream(["a", item]).bytes())


@pytest.mark.parametrize(("sent", "id"), [(None, None), ("", None), ("7", "7"), ("é".encode().decode("latin-1"), "é")])
def test_the_last_event_id(sent: str | None, id: str | None) -> None:
    request = Request("http://a/", headers={} if sent is None else {"Last-Event-ID": sent})
    assert last_event_id(request) == id


ROUTE = """
import asyncio
from waypost import headers
from waypost.sse import Event, EventStream, last_event_id
ended = []
async def events(after):
    try:
        number = after
        while True:
            number += 1
            yield Event(headers().get("x-name") or "-", id=number)
            await asyncio.sleep(0.01)
    finally:
        ended.append(number)
async def GET(request):
    return EventStream(events(int(last_event_id(request) or 0)), retry=100)
"""


def test_in_an_application_up_to_the_client_s_leaving(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, {"app/e/route.py": ROUTE})) as client:
        head = {"Last-Event-ID": "41", "X-Name": "Ada", "Accept-Encoding": "gzip"}
        with client.stream("GET", "/e", headers=head) as response:
            text = b""
            for chunk in response:
                text += chunk
                if b"id: 43" in text:
                    break
        assert "content-encoding" not in response.headers
        assert browser(text)[0][:2] == [Seen("Ada", "message", "42"), Seen("Ada", "message", "43")]
        assert client.request("HEAD", "/e").headers["content-type"] == "text/event-stream"
        from app.e.route import ended  # type: ignore[import-not-found]

        assert len(ended) == 1


def test_the_context_of_a_plain_test_is_enough() -> None:
    async def main() -> None:
        with request_scope():
            response = EventStream(["a"])
        assert await response.text() == "data: a\n\n"

    asyncio.run(main())


@pytest.fixture
def endless() -> tuple[Callable[[Request], Any], list[float]]:
    """A handler that sends one event and waits, and the times at which its generators ended."""
    ended: list[float] = []

    async def events() -> AsyncIterator[str]:
        try:
            yield "one"
            await asyncio.sleep(600)
        finally:
            ended.append(time.monotonic())

    async def handler(request: Request) -> Response:
        return EventStream(events(), signal=request.signal)

    return handler, ended


@pytest.mark.parametrize("uvloops", [True, False])
def test_a_real_server_closes_the_source_when_the_client_leaves(endless: Any, uvloops: bool) -> None:
    handler, ended = endless
    live = Live(handler, {}, uvloops)
    try:
        for leave in ("close", "reset"):
            client = live.client()
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.until(b"data: one\n\n\r\n")
            left = time.monotonic()
            getattr(client, leave)()
            live.eventually(lambda: ended)
            assert ended.pop() - left < 1
    finally:
        live.stop()


def test_a_real_server_ends_the_streams_with_their_end_mark_when_it_stops(endless: Any) -> None:
    handler, ended = endless
    live = Live(handler, {}, True)
    try:
        clients = [live.client() for _ in range(100)]
        for client in clients:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for client in clients:
            client.until(b"data: one\n\n\r\n")
        began = time.monotonic()
        live.run(live.server.stop(1))
        assert time.monotonic() - began < 2
        assert {client.to_end() for client in clients} == {b"0\r\n\r\n"}
        assert len(ended) == 100
    finally:
        live.stop()


def test_an_error_cuts_the_stream_without_an_end_mark() -> None:
    async def events() -> AsyncIterator[str]:
        yield "one"
        raise RuntimeError("the source broke")

    async def handler(request: Request) -> Response:
        return EventStream(events())

    live = Live(handler, {}, True)
    try:
        assert live.talk(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").endswith(b"data: one\n\n\r\n")
    finally:
        live.stop()


def test_many_events_that_are_there_at_once_all_arrive(tmp_path: Path) -> None:
    route = "from waypost.sse import EventStream\nasync def GET(): return EventStream(range(20_000))\n"

    async def main() -> None:
        async with AsyncClient(make_application(tmp_path, {"app/e/route.py": route})) as client:
            seen, _ = browser((await client.get("/e")).content)
            assert [int(event.data) for event in seen] == list(range(20_000))

    asyncio.run(main())
