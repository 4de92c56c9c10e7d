"""Streams in Redis or Valkey, for many machines: a StreamStore. Needs the package redis (`waypost[redis]`).

The bytes of a stream are one string; everything expires by itself. The lease is the life of a key, so that the
server's clock counts and those of the machines don't matter.
Source: https://redis.io/docs/latest/commands/setrange/
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from waypost.ai.stream_store import KEEP, LEASE, State
from waypost.redis_link import check_url

_CONNECTIONS: Final = 32  # of one process; each use takes one for one round trip
_PREFIX: Final = "waypost:stream:"
_LEASE: Final = int(LEASE * 1000)
_KEEP: Final = int(KEEP * 1000)
_RUNNING, _ENDED = b"running", b"ended"


class RedisStreams:
    """Keeps streams in the Redis at `url`, under "waypost:stream:…". Raises StartupError for a malformed URL."""

    __slots__ = ("_client", "_loop", "_url")

    def __init__(self, url: str) -> None:
        check_url(url, "the streams' Redis")
        self._url = url
        self._client: Any = None  # redis-py types little of what it gives
        self._loop: asyncio.AbstractEventLoop | None = None

    def _make(self) -> Any:
        # Once more over a new connection: after a restart of the server every pooled one is dead.
        options: dict[str, Any] = {
            "max_connections": _CONNECTIONS,
            "retry": Retry(NoBackoff(), 1),
            "socket_timeout": 5.0,
        }
        return Redis(connection_pool=BlockingConnectionPool.from_url(self._url, **options))

    def _redis(self) -> Any:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client, self._loop = self._make(), loop
        return self._client

    async def begin(self, chat: str, stream: str, longest: float) -> None:
        """As StreamStore.begin; all of these raise redis.RedisError, OSError."""
        redis = self._redis()
        async with redis.pipeline() as all:
            all.set(f"{_PREFIX}{stream}:state", _RUNNING, px=_LEASE)
            all.set(f"{_PREFIX}chat:{chat}", stream, get=True, px=int(longest * 1000) + _KEEP)
            _, before = await all.execute()
        if before is not None:
            await redis.set(f"{_PREFIX}{before.decode()}:stop", b"1", px=_KEEP)

    async def append(self, stream: str, position: int, data: bytes) -> bool:
        async with self._redis().pipeline() as all:
            self._write(all, stream, position, data)
            all.pexpire(f"{_PREFIX}{stream}:data", _KEEP + _LEASE)
            all.set(f"{_PREFIX}{stream}:state", _RUNNING, px=_LEASE)
            all.exists(f"{_PREFIX}{stream}:stop")
            *_, stopped = await all.execute()
        return not stopped

    async def end(self, stream: str, position: int, data: bytes) -> None:
        async with self._redis().pipeline() as all:
            self._write(all, stream, position, data)
            all.pexpire(f"{_PREFIX}{stream}:data", _KEEP)
            all.set(f"{_PREFIX}{stream}:state", _ENDED, px=_KEEP)
            await all.execute()

    def _write(self, all: Any, stream: str, position: int, data: bytes) -> None:
        if data:
            all.setrange(f"{_PREFIX}{stream}:data", position, data)

    async def find(self, chat: str) -> str | None:
        redis = self._redis()
        stream = await redis.get(f"{_PREFIX}chat:{chat}")
        if stream is None:
            return None
        name = str(stream.decode())
        state, stopped = await redis.mget(f"{_PREFIX}{name}:state", f"{_PREFIX}{name}:stop")
        return name if state == _RUNNING and stopped is None else None

    async def read(self, stream: str, position: int) -> tuple[bytes, State]:
        async with self._redis().pipeline() as all:
            all.get(f"{_PREFIX}{stream}:state")
            all.getrange(f"{_PREFIX}{stream}:data", position, -1)
            state, data = await all.execute()
        return data, "running" if state == _RUNNING else "ended" if state == _ENDED else "broken"

    async def stop(self, chat: str) -> bool:
        stream = await self.find(chat)
        if stream is None:
            return False
        await self._redis().set(f"{_PREFIX}{stream}:stop", b"1", px=_KEEP)
        return True

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()
            await client.connection_pool.disconnect()
