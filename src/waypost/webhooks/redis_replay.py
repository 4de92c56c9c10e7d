"""Events of many machines, in Redis 7 or Valkey: one round trip to claim, one to confirm.

Needs the package redis (`waypost[redis]`).
Source: https://redis.io/docs/latest/commands/set/ (NX with GET)
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from redis.asyncio import Redis

from waypost.redis_link import check_url
from waypost.webhooks.replay import DAYS, LEASE, Replay, State

_PREFIX: Final = "waypost:event:"
_DONE = b"1"  # else the token of who handles the event
# Compared and changed in one: between the two a claim may run out and be another's.
_RENEW: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class RedisReplay(Replay):
    """Events in the Redis at `url`; what it forgets in a restart can come again, so let it write to disk.

    Raises StartupError for a malformed URL; its methods raise redis.RedisError, which is a 500: the sender comes again.
    """

    __slots__ = ("_client", "_loop", "_url")

    def __init__(self, url: str, *, ttl: float = 7 * DAYS) -> None:
        super().__init__(ttl)
        self._url = url
        self._client: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        check_url(url, "RedisReplay")

    def _redis(self) -> Any:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client, self._loop = Redis.from_url(self._url, socket_timeout=5.0), loop
        return self._client

    async def _claim(self, key: str, token: str) -> State:
        known = await self._redis().set(_PREFIX + key, token, nx=True, get=True, px=int(LEASE * 1000))
        if known is None or known == token.encode():  # ours: sent again, since the first answer was lost
            return "first"
        return "done" if known == _DONE else "busy"

    async def _renew(self, key: str, token: str) -> bool:
        return bool(await self._redis().eval(_RENEW, 1, _PREFIX + key, token, int(LEASE * 1000)))

    async def _confirm(self, key: str) -> None:
        await self._redis().set(_PREFIX + key, _DONE, px=int(self.ttl * 1000))

    async def _release(self, key: str, token: str) -> None:
        await self._redis().eval(_RELEASE, 1, _PREFIX + key, token)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()
