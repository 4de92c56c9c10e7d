"""Rate limits in Redis or Valkey, for many machines: one script, one round trip, the server's clock.

The script does the sums of rule.py on the same state, so that machines whose clocks differ count the same time, and
nothing comes between reading and writing. Needs the package redis (`waypost[redis]`).
Source: https://redis.io/docs/latest/develop/programmability/eval-intro/
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from waypost.errors import StartupError
from waypost.ratelimit.rule import Decision, Rule

_CONNECTIONS: Final = 32  # of one process; a hit takes one for one round trip
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
return {allowed, remaining, string.format('%.0f', reset), string.format('%.0f', retry)}
"""


class RedisStore:
    """Keeps limits in the Redis at `url`; keys begin with "waypost:limit:" and expire by themselves."""

    __slots__ = ("_client", "_loop", "_script", "_sha", "_url")

    local = False

    def __init__(self, url: str, *, script: str = CLOCK + SUMS) -> None:
        self._url = url
        self._script = script
        self._sha = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        self._client: Any = None  # redis-py types little of what it gives
        self._loop: asyncio.AbstractEventLoop | None = None
        self._make()  # a URL that is malformed is found at start
        self._client = None

    def _make(self) -> None:
        # Once more over a new connection: after a restart of the server every pooled one is dead.
        options: dict[str, Any] = {"max_connections": _CONNECTIONS, "retry": Retry(NoBackoff(), 1)}
        try:
            self._client = Redis(connection_pool=BlockingConnectionPool.from_url(self._url, **options))
        except ValueError as error:
            raise StartupError(f"the URL of the rate limits' Redis is malformed: {error}") from None

    def _redis(self) -> Any:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._make()
            self._loop = loop
        return self._client

    async def hit(self, key: str, rule: Rule, cost: int) -> Decision:
        """As Store.hit. Raises redis.RedisError, OSError."""
        client = self._redis()
        arguments = (1, f"waypost:limit:{key}", rule.algorithm, rule.limit, rule.window_us, rule.granule_us, cost)
        try:
            answer = await client.evalsha(self._sha, *arguments)
        except NoScriptError:  # the first hit after a start of the server
            answer = await client.eval(self._script, *arguments)
        allowed, remaining, reset, retry = (int(item) for item in answer)
        return Decision(bool(allowed), remaining, reset, retry)

    async def forget(self, key: str) -> None:
        """As Store.forget. Raises redis.RedisError, OSError."""
        await self._redis().delete(f"waypost:limit:{key}")

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()
            await client.connection_pool.disconnect()
