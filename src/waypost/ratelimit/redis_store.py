"""Rate limits in Redis or Valkey, for many machines: one script, one round trip, the server's clock.

The script does the sums of rule.py on the same state, so that machines whose clocks differ count the same time, and
nothing comes between reading and writing. Needs the package redis (`waypost[redis]`).
Source: https://redis.io/docs/latest/develop/programmability/eval-intro/
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any, Final

from redis.exceptions import ConnectionError as LinkError
from redis.exceptions import RedisError

from waypost.errors import StartupError
from waypost.ratelimit.rule import Decision, Rule
from waypost.redis_link import Link, Script

_PREFIX: Final = "waypost:limit:"
_SILENCE: Final = 0.5  # seconds without an answer after which a connection is given up
_PAUSE: Final = 0.1  # seconds between two attempts to connect, and for which a hit may wait for one
_CONNECT: Final = 5.0  # seconds that an attempt may take
CLOCK: Final = """
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
"""
# Numbers are written with %.0f: Lua's own way of writing them loses digits of a time in microseconds.
SUMS: Final = """
local algorithm, limit, window, granule = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local cost = tonumber(ARGV[5])
local state = {}
local known = redis.call('GET', KEYS[1])
if known then
  for item in string.gmatch(known, '%d+') do state[#state + 1] = tonumber(item) end
end
local allowed, remaining, reset, retry, expires = 0, 0, 0, 0, now

if algorithm == 'sliding-window' then
  local kept, used = {}, 0
  for i = 1, #state, 2 do
    if (state[i] + 1) * granule - 1 + window > now then
      kept[#kept + 1] = state[i]
      kept[#kept + 1] = state[i + 1]
      used = used + state[i + 1]
    end
  end
  if used + cost > limit then
    local wanted = used + cost
    retry = window
    for i = 1, #kept, 2 do
      wanted = wanted - kept[i + 1]
      if wanted <= limit then
        retry = math.max(1, (kept[i] + 1) * granule - 1 + window - now)
        break
      end
    end
    remaining = math.max(0, limit - used)
  else
    local current = math.floor(now / granule)
    if #kept > 0 and kept[#kept - 1] >= current then
      kept[#kept] = kept[#kept] + cost
    else
      kept[#kept + 1] = current
      kept[#kept + 1] = cost
    end
    allowed = 1
    remaining = limit - used - cost
  end
  if #kept > 0 then
    expires = (kept[#kept - 1] + 1) * granule - 1 + window
    reset = math.max(0, expires - now)
  end
  state = kept
elseif algorithm == 'fixed-window' then
  if #state == 0 or now >= state[1] + window then state = {now, 0} end
  expires = state[1] + window
  reset = expires - math.max(now, state[1])
  if state[2] + cost > limit then
    remaining = limit - state[2]
    retry = reset
  else
    state[2] = state[2] + cost
    allowed = 1
    remaining = limit - state[2]
  end
else
  local full = now
  if #state > 0 then full = math.max(now, state[1]) end
  local after = full + math.ceil(cost * window / limit)
  if after - now > window then
    retry = after - now - window
    reset = full - now
    after = full
  else
    allowed = 1
    reset = after - now
  end
  remaining = math.max(0, math.floor((window - (after - now)) * limit / window))
  expires = after
  state = {after}
end

if allowed == 1 then
  local out = {}
  for i = 1, #state do out[i] = string.format('%.0f', state[i]) end
  local life = math.max(1, math.ceil((expires - now) / 1000))
  redis.call('SET', KEYS[1], table.concat(out, ','), 'PX', string.format('%.0f', life))
end
return string.format('%d %d %.0f %.0f', allowed, remaining, reset, retry)
"""


class RedisStore:
    """Keeps limits in the Redis at `url`; keys begin with "waypost:limit:" and expire by themselves.

    Nobody waits for a connection that others have waited for in vain: those hits fail at once.
    """

    __slots__ = ("_connecting", "_link", "_loop", "_reason", "_script", "_tried", "_url")

    local = False

    def __init__(self, url: str, *, script: str = CLOCK + SUMS) -> None:
        self._url = url
        self._script = Script(script)
        self._link: Link | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connecting: asyncio.Task[Link] | None = None
        self._tried = -math.inf  # when the last attempt to connect began
        self._reason = ""  # why it does not work, as far as is known
        try:
            Link(url)
        except ValueError as error:
            raise StartupError(f"the URL of the rate limits' Redis is malformed: {error}") from None

    async def hit(self, key: str, rule: Rule, cost: int) -> Decision:
        """As Store.hit. Raises redis.RedisError, OSError."""
        names = [f"{_PREFIX}{key}"]
        arguments = (rule.algorithm, rule.limit, rule.window_us, rule.granule_us, cost)
        answer = await self._run(lambda link: link.run(self._script, names, arguments))
        allowed, remaining, reset, retry = map(int, answer.split())
        return Decision(bool(allowed), remaining, reset, retry)

    async def forget(self, key: str) -> None:
        """As Store.forget. Raises redis.RedisError, OSError."""
        await self._run(lambda link: link.call("DEL", f"{_PREFIX}{key}"))

    async def _run(self, ask: Callable[[Link], Awaitable[Any]]) -> Any:
        link = await self._connected()
        try:
            return await ask(link)
        except LinkError:
            # After a restart of the server the old connection is dead, and the news of it may come after the question.
            # A hit that was counted and not answered counts twice: never one too many.
            return await ask(await self._connected())

    async def _connected(self) -> Link:
        """A connection that answers. Raises redis.RedisError."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # what another loop had open is no use here
            self._loop, self._link, self._connecting, self._tried, self._reason = loop, None, None, -math.inf, ""
        link = self._link
        if link is not None and not link.ended:
            if link.silent_for < _SILENCE:
                return link
            self._link, self._reason = None, "the server does not answer"
            await link.close()
        if self._connecting is None:
            if loop.time() - self._tried < _PAUSE:
                raise LinkError(self._reason)
            self._tried = loop.time()
            self._connecting = loop.create_task(self._connect())
        elif self._reason and loop.time() - self._tried > _PAUSE:
            raise LinkError(self._reason)
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> Link:
        link = Link(self._url)
        try:
            async with asyncio.timeout(_CONNECT):
                await link.open()
            self._link, self._tried, self._reason = link, -math.inf, ""
        except (RedisError, OSError) as error:
            self._reason = str(error) or type(error).__name__
            raise
        finally:
            self._connecting = None
        return link

    async def close(self) -> None:
        """Close the connection."""
        link, self._link = self._link, None
        if self._loop is not asyncio.get_running_loop():
            return
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
            self._connecting = None
        if link is not None:
            await link.close()
