"""The Lua scripts of the Redis store: each is one step that nothing comes between.

KEYS, of one hash slot: the state (a hash: run, era, seq, floor, and a mark for each revalidated tag), the order of the
marks (a sorted set), then what the script is about. ARGV[1] is always the run id of the server, which the client asks
for when it connects: a server that was started again may have lost revalidations that it had acknowledged, so a state
of another run counts for nothing and a new era begins. All of the state is one key: what evicts it begins an era too.
Numbers are below 2^53; `num` keeps Lua from writing them with an exponent.
"""

from __future__ import annotations

from typing import Final

MONTH: Final = 30 * 24 * 3600  # seconds after which what nobody uses is gone
LEASE_TIME: Final = 6.0  # seconds

_NUMBER: Final = """
local function num(n) return string.format('%.0f', n) end
"""
# A mark is "expired staled deadline"; see tags.Mark.
_MARK: Final = """
local function latest(tag)
    local mark = redis.call('HGET', KEYS[1], tag)
    if not mark then return -1 end
    local expired, staled = string.match(mark, '^(%S+) (%S+)')
    return math.max(tonumber(expired), tonumber(staled))
end
local function untouched(generation, tags)
    if generation < tonumber(redis.call('HGET', KEYS[1], 'floor')) then return false end
    for i = 1, #tags, 40 do
        if latest(string.sub(tags, i, i + 39)) > generation then return false end
    end
    return true
end
"""
_BEGIN: Final = f"""
local kinds = {{redis.call('TYPE', KEYS[1]).ok, redis.call('TYPE', KEYS[2]).ok}}
local sound = kinds[1] == 'hash' and (kinds[2] == 'zset' or kinds[2] == 'none')
if not sound or redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then
    local clock = redis.call('TIME')
    local start = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
    if kinds[1] == 'hash' then
        start = math.max(start, (tonumber(redis.call('HGET', KEYS[1], 'seq') or '') or 0) + 1)
    end
    redis.call('DEL', KEYS[1], KEYS[2])
    redis.call('HSET', KEYS[1], 'run', ARGV[1], 'era', ARGV[1] .. ':' .. num(start),
        'seq', num(start), 'floor', num(start))
end
redis.call('EXPIRE', KEYS[1], {MONTH})
redis.call('EXPIRE', KEYS[2], {MONTH})
local function text(key)
    local value = redis.pcall('GET', key)
    if type(value) == 'table' then
        redis.call('DEL', key)
        return false
    end
    return value
end
"""

# → era, seq
NOW: Final = _NUMBER + _BEGIN + "return redis.call('HMGET', KEYS[1], 'era', 'seq')"

# KEYS[3]: entry. ARGV: run, version that the caller has. Writes nothing.
# → nothing; or era, seq; or era, seq, floor, version, generation, data or nil, mark or nil for each tag
READ: Final = """
local state = redis.pcall('HMGET', KEYS[1], 'run', 'era', 'seq', 'floor')
if state.err or state[1] ~= ARGV[1] then return {} end
local entry = redis.pcall('HMGET', KEYS[3], 'version', 'generation', 'tags')
if entry.err or not entry[1] then return {state[2], state[3]} end
local data = entry[1] ~= ARGV[2] and redis.call('HGET', KEYS[3], 'data')
local reply = {state[2], state[3], state[4], entry[1], entry[2], data}
for i = 1, #entry[3], 40 do
    reply[#reply + 1] = redis.call('HGET', KEYS[1], string.sub(entry[3], i, i + 39))
end
return reply
"""

# KEYS: entry, lease. ARGV: run, token or 0, era, generation, version, tags, data, seconds to live, fresh until.
# → seq, or nil when refused
PUT: Final = (
    _NUMBER
    + _BEGIN
    + _MARK
    + """
if ARGV[2] ~= '0' then
    if string.match(text(KEYS[4]) or '', '^%S*') ~= ARGV[2] then return false end
    redis.call('DEL', KEYS[4])
end
if ARGV[3] ~= redis.call('HGET', KEYS[1], 'era') or not untouched(tonumber(ARGV[4]), ARGV[6]) then return false end
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[3], 'version', ARGV[5], 'generation', ARGV[4], 'tags', ARGV[6], 'data', ARGV[7],
    'fresh', ARGV[9])
redis.call('EXPIRE', KEYS[3], ARGV[8])
return redis.call('HGET', KEYS[1], 'seq')
"""
)

# ARGV: run, channel, seconds that the old value may be shown, now, number of marks kept, numbers for the page, tags…
# → seq
REVALIDATE: Final = (
    _NUMBER
    + _BEGIN
    + """
local seq = tonumber(redis.call('HGET', KEYS[1], 'seq')) + 1
local stale_for, now, limit = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
for i = 7, #ARGV do
    local mark = redis.call('HGET', KEYS[1], ARGV[i])
    local expired, staled, deadline = -1, -1, math.huge
    if mark then
        expired, staled, deadline = string.match(mark, '^(%S+) (%S+) (%S+)$')
        expired, staled, deadline = tonumber(expired), tonumber(staled), tonumber(deadline) or math.huge
    end
    if stale_for <= 0 then
        expired = seq
    else
        if now >= deadline then
            expired, deadline = math.max(expired, staled), math.huge
        end
        staled, deadline = seq, math.min(deadline, now + stale_for)
    end
    local last = deadline == math.huge and 'inf' or string.format('%.6f', deadline)
    redis.call('HSET', KEYS[1], ARGV[i], num(expired) .. ' ' .. num(staled) .. ' ' .. last)
    redis.call('ZADD', KEYS[2], num(seq), ARGV[i])
end
redis.call('HSET', KEYS[1], 'seq', num(seq))
local surplus = redis.call('ZCARD', KEYS[2]) - limit
if surplus > 0 then
    local oldest = redis.call('ZPOPMIN', KEYS[2], surplus)
    local floor = tonumber(redis.call('HGET', KEYS[1], 'floor'))
    for i = 1, #oldest, 2 do
        redis.call('HDEL', KEYS[1], oldest[i])
        floor = math.max(floor, tonumber(oldest[i + 1]))
    end
    redis.call('HSET', KEYS[1], 'floor', num(floor))
end
redis.call('PUBLISH', ARGV[2], num(seq) .. ' ' .. ARGV[6])
return num(seq)
"""
)

# KEYS: entry, lease, postponed. ARGV: run, lease as "token owner", 1 to wait, milliseconds, now.
# → "found"; or "busy" and the lease that there is; or "granted", era, seq
CLAIM: Final = (
    _NUMBER
    + _BEGIN
    + _MARK
    + """
local entry = redis.pcall('HMGET', KEYS[3], 'generation', 'tags', 'fresh')
if not entry.err and entry[1] and tonumber(ARGV[5]) < (tonumber(entry[3]) or math.huge)
    and untouched(tonumber(entry[1]), entry[2]) then return {'found'} end
local lease = text(KEYS[4])
-- One without an end is none of ours, and nobody would ever end it.
if lease and redis.call('PTTL', KEYS[4]) > 0 then return {'busy', lease} end
if ARGV[3] ~= '1' and redis.call('PTTL', KEYS[5]) > 0 then return {'busy', ''} end
redis.call('DEL', KEYS[5])
redis.call('SET', KEYS[4], ARGV[2], 'PX', ARGV[4])
local state = redis.call('HMGET', KEYS[1], 'era', 'seq')
return {'granted', state[1], state[2]}
"""
)

# KEYS: lease. ARGV: run, token, milliseconds. → 1, or 0 when it is lost
RENEW: Final = """
if string.match(redis.call('GET', KEYS[1]) or '', '^%S*') ~= ARGV[2] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
"""

# KEYS: lease, postponed. ARGV: run, token, milliseconds to postpone or 0
RELEASE: Final = """
if string.match(redis.call('GET', KEYS[1]) or '', '^%S*') ~= ARGV[2] then return 0 end
if ARGV[3] ~= '0' then redis.call('SET', KEYS[2], '1', 'PX', ARGV[3]) end
return redis.call('DEL', KEYS[1])
"""
