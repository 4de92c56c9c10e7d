"""Rate limits in Redis or Valkey, for many machines: one script, one round trip, the server's clock.

The script does the sums of rule.py on the same state, so that machines whose clocks differ count the same time, and
nothing comes between reading and writing. Needs the package redis (`waypost[redis]`).
Source: https://redis.io/docs/latest/develop/programmability/eval-intro/
"""

from __future__ import annotations

from typing import Final

from waypost.ratelimit.rule import Decision, Rule
from waypost.redis_link import LastingLink, Script, check_url

_PREFIX: Final = "waypost:limit:"
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
    """Keeps limits in the Redis at `url`; keys begin with "waypost:limit:" and expire by themselves."""

    __slots__ = ("_link", "_script")

    local = False

    def __init__(self, url: str, *, script: str = CLOCK + SUMS) -> None:
        check_url(url, "the rate limits' Redis")
        self._script = Script(script)
        self._link = LastingLink(url)

    async def hit(self, key: str, rule: Rule, cost: int) -> Decision:
        """As Store.hit. Raises redis.RedisError, OSError."""
        arguments = (rule.algorithm, rule.limit, rule.window_us, rule.granule_us, cost)
        # One that was counted and not answered is asked again, and counts twice: never one too many passes.
        answer = await self._link.run(self._script, [f"{_PREFIX}{key}"], arguments)
        allowed, remaining, reset, retry = map(int, answer.split())
        return Decision(bool(allowed), remaining, reset, retry)

    async def forget(self, key: str) -> None:
        """As Store.forget. Raises redis.RedisError, OSError."""
        await self._link.call("DEL", f"{_PREFIX}{key}")

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()
