"""Rate limits in the memory of one process: nothing to install, gone with the process, each worker for itself."""

from __future__ import annotations

import time
from collections import OrderedDict

from waypost.errors import StartupError
from waypost.ratelimit.rule import Decision, Rule, State, decide


class MemoryStore:
    """Holds at most max_keys keys; beyond it those go that were not heard of for the longest time."""

    __slots__ = ("_states", "max_keys")

    local = True

    def __init__(self, max_keys: int = 100_000) -> None:
        if max_keys < 1:
            raise StartupError(f"max_keys={max_keys!r} is not a number of keys", remedy="Use a whole number from 1.")
        self.max_keys = max_keys
        self._states: OrderedDict[str, State] = OrderedDict()

    async def hit(self, key: str, rule: Rule, cost: int) -> Decision:
        """As Store.hit; never fails."""
        states = self._states
        # A clock that nobody can set back.
        decision, state = decide(rule, states.get(key), time.monotonic_ns() // 1000, cost)
        states[key] = state
        states.move_to_end(key)
        if len(states) > self.max_keys:
            states.popitem(last=False)
        return decision

    async def forget(self, key: str) -> None:
        """As Store.forget."""
        self._states.pop(key, None)

    async def close(self) -> None:
        """Forget every key."""
        self._states.clear()

    def __len__(self) -> int:
        return len(self._states)
