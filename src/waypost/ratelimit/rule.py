"""What is allowed, and the arithmetic of it: a state and a time → a decision and the next state.

Times are whole microseconds, so that no rounding admits one hit too many. Pure functions: the stores in memory and in
SQLite run them, the script of the Redis store does the same sums.

- sliding-window: never more than `limit` hits in any window of that length. Hits are counted in granules; a granule is
  forgotten when its last moment is a window ago. With a limit up to 100 a granule is a microsecond, above that a
  hundredth of the window, so that a key never holds more than about 100 numbers.
- fixed-window: a window begins with its first hit. Around a border twice the limit can pass.
- token-bucket: `limit` tokens, refilled evenly, all of them in one window. As GCRA: the state is the time at which the
  bucket will be full again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from waypost.errors import StartupError

Algorithm: TypeAlias = Literal["sliding-window", "fixed-window", "token-bucket"]
State: TypeAlias = "list[int]"

SECOND: Final = 1_000_000
_UNITS: Final = {"ms": 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND}
_GRANULES: Final = 100
_LONGEST: Final = 366 * 86_400 * SECOND
_MOST: Final = 1_000_000_000


class Decision(NamedTuple):
    """What a store says to one hit.

    remaining: hits that would still pass now. reset_us: until all is as if nobody had asked. retry_us: until the same
    hit would pass, 0 when it did.
    """

    allowed: bool
    remaining: int
    reset_us: int
    retry_us: int


@dataclass(frozen=True, slots=True)
class Rule:
    """limit hits in window_us. granule_us: the finest time that a sliding window tells apart."""

    algorithm: Algorithm
    limit: int
    window_us: int
    granule_us: int

    @classmethod
    def of(cls, algorithm: Algorithm, limit: int, window: str | float) -> Rule:
        """A checked rule. window: seconds, or text as "500ms", "10s", "1m", "2h", "1d". Raises StartupError."""
        if algorithm not in get_args(Algorithm):
            known = ", ".join(f'"{name}"' for name in get_args(Algorithm))
            raise StartupError(f"algorithm={algorithm!r} is not known", remedy=f"Use one of {known}.")
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= _MOST:
            raise StartupError(f"limit={limit!r} is not a number of requests", remedy="Use a whole number from 1.")
        window_us = _microseconds(window)
        return cls(algorithm, limit, window_us, 1 if limit <= _GRANULES else window_us // _GRANULES)


def _microseconds(window: object) -> int:
    value = 0
    if isinstance(window, str):
        match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d)", window.strip())
        value = round(float(match[1]) * _UNITS[match[2]]) if match else 0
    elif isinstance(window, int | float) and not isinstance(window, bool) and 0 < window <= _LONGEST:
        value = round(window * SECOND)
    if not 1000 <= value <= _LONGEST:
        raise StartupError(
            f"window={window!r} is not a length of time", remedy='Use seconds, or "500ms", "10s", "1m", "2h", "1d".'
        )
    return value


def decide(rule: Rule, state: State | None, now: int, cost: int) -> tuple[Decision, State]:
    """The answer to `cost` hits at `now`, and the key's next state. state: None for a key that was not seen.

    The clock may step back: time then stands still for the key. A hit that is refused costs nothing.
    """
    if rule.algorithm == "sliding-window":
        return _sliding(rule, state or [], now, cost)
    if rule.algorithm == "fixed-window":
        return _fixed(rule, state, now, cost)
    return _bucket(rule, state, now, cost)


def expiry(rule: Rule, state: State) -> int:
    """When a state says no more than none would."""
    if rule.algorithm == "sliding-window":
        return _forgotten(rule, state[-2]) if state else 0
    return state[0] + rule.window_us if rule.algorithm == "fixed-window" else state[0]


def _forgotten(rule: Rule, granule: int) -> int:
    return (granule + 1) * rule.granule_us - 1 + rule.window_us


def _sliding(rule: Rule, state: State, now: int, cost: int) -> tuple[Decision, State]:
    """state: granule, hits, granule, hits …, oldest first."""
    current = now // rule.granule_us
    start = 0
    while start < len(state) and _forgotten(rule, state[start]) <= now:
        start += 2
    kept = state[start:]
    used = sum(kept[1::2])
    if used + cost > rule.limit:
        wait = _until(rule, kept, now, used + cost)
        return Decision(False, max(0, rule.limit - used), _until_clear(rule, kept, now), wait), kept
    if kept and kept[-2] >= current:
        kept[-1] += cost
    else:
        kept += [current, cost]
    return Decision(True, rule.limit - used - cost, _until_clear(rule, kept, now), 0), kept


def _until_clear(rule: Rule, kept: State, now: int) -> int:
    return max(0, _forgotten(rule, kept[-2]) - now) if kept else 0


def _until(rule: Rule, kept: State, now: int, wanted: int) -> int:
    """Until so many hits are forgotten that `wanted` fit."""
    for index in range(0, len(kept), 2):
        wanted -= kept[index + 1]
        if wanted <= rule.limit:
            return max(1, _forgotten(rule, kept[index]) - now)
    return rule.window_us


def _fixed(rule: Rule, state: State | None, now: int, cost: int) -> tuple[Decision, State]:
    """state: begin of the window, hits."""
    if state is None or now >= state[0] + rule.window_us:
        state = [now, 0]
    begin, used = state
    left = begin + rule.window_us - max(now, begin)
    if used + cost > rule.limit:
        return Decision(False, rule.limit - used, left, left), state
    return Decision(True, rule.limit - used - cost, left, 0), [begin, used + cost]


def _bucket(rule: Rule, state: State | None, now: int, cost: int) -> tuple[Decision, State]:
    """state: when the bucket is full again. The rounding up of each hit keeps the sum within the limit."""
    full = max(now, state[0]) if state else now
    price = -(-cost * rule.window_us // rule.limit)
    after = full + price
    if after - now > rule.window_us:
        return Decision(False, _tokens(rule, full, now), full - now, after - now - rule.window_us), [full]
    return Decision(True, _tokens(rule, after, now), after - now, 0), [after]


def _tokens(rule: Rule, full: int, now: int) -> int:
    return max(0, (rule.window_us - (full - now)) * rule.limit // rule.window_us)
