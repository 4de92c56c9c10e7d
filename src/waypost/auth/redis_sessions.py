"""Sessions that can be revoked, of many machines, in Redis 7 or Valkey: one round trip to find one.

What Redis forgets signs users out, and nobody in again. One that comes back as it was earlier does: let it write each
change to disk.
Needs the package redis (`waypost[redis]`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from waypost.auth.session import Session, check_lifetime
from waypost.auth.stored_sessions import DAY, digest, is_token, new_token
from waypost.http.json import encode_json, parse_json
from waypost.redis_link import LastingLink, Script, check_url

Argument: TypeAlias = "str | bytes | int | float"

_MARGIN: Final = 60_000  # milliseconds that a generation is kept beyond the last session of it
_TIMEOUT: Final = 5.0  # seconds

# A session belongs to a generation of its subject, a random name. Ending all of them is to forget it: one step, however
# many there are, and one that is begun at the same moment is of it or of the next. Nothing says that a session is over
# but what is missing, so that a server that drops keys for want of memory revives none. A session lies under its
# digest, and names the key of the generation, so that all of it is found in one trip; the keys therefore have to be on
# one server.
_CREATE: Final = Script(f"""
local generation, lives = redis.call('GET', KEYS[2]), ARGV[4] + {_MARGIN}
if not generation then
    generation = ARGV[5]
    redis.call('SET', KEYS[2], generation, 'PX', lives)
elseif redis.call('PTTL', KEYS[2]) < lives then
    redis.call('PEXPIRE', KEYS[2], lives)
end
redis.call('HSET', KEYS[1], 'generation', generation, 'of', KEYS[2], 'subject', ARGV[1], 'claims', ARGV[2],
    'expires', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
""")
_READ: Final = Script("""
local found = redis.call('HMGET', KEYS[1], 'generation', 'of', 'subject', 'claims', 'expires')
if not found[1] or not found[2] or redis.call('GET', found[2]) ~= found[1] then return false end
return {found[3], found[4], found[5]}
""")


class RedisSessions:
    """Sessions in the Redis at `url`, shared by all machines; keys begin with "waypost:session".

    lifetime: seconds. Raises StartupError for a malformed URL; its methods raise redis.RedisError and OSError, which
    is a 500: a store that is down signs nobody out.
    """

    __slots__ = ("_link", "lifetime")

    def __init__(self, url: str, *, lifetime: float = 7 * DAY) -> None:
        self.lifetime = check_lifetime(lifetime)
        check_url(url, "RedisSessions")
        self._link = LastingLink(url)

    async def create(self, subject: str, claims: Mapping[str, Any]) -> str:
        """As Sessions.create."""
        token = new_token()
        expires = time.time() + self.lifetime
        keys = [_session(token), _generation(subject)]
        arguments: list[Argument] = [subject, encode_json(dict(claims)), repr(expires), self._milliseconds, new_token()]
        await self._run(_CREATE, keys, arguments)
        return token

    async def read(self, text: str) -> Session | None:
        """As Sessions.read."""
        if not is_token(text):
            return None
        found = await self._run(_READ, [_session(text)], [])
        if not found:
            return None
        subject, claims, expires = found
        session = Session(bytes(subject).decode(), parse_json(bytes(claims)), float(expires))
        return session if session.expires > time.time() else None

    async def revoke(self, text: str) -> None:
        """As Sessions.revoke."""
        await self._delete(_session(text))

    async def revoke_all(self, subject: str) -> None:
        """End every session of `subject`: after a change of password, or when an account is closed."""
        await self._delete(_generation(subject))

    async def _delete(self, key: str) -> None:
        async with asyncio.timeout(_TIMEOUT):
            await self._link.call("DEL", key)

    async def _run(self, script: Script, keys: list[str], arguments: list[Argument]) -> Any:
        async with asyncio.timeout(_TIMEOUT):
            return await self._link.run(script, keys, arguments)

    @property
    def _milliseconds(self) -> int:
        return max(1, int(self.lifetime * 1000))

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()


def _session(token: str) -> str:
    return f"waypost:session:{digest(token)}"


def _generation(subject: str) -> str:
    return f"waypost:session-generation:{digest(subject)}"
