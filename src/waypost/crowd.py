"""Crowd: whether many requests come in one turn of an event loop, told without asking at each of them.

Our own server and the ASGI adapter answer many together. Few would lose more by the turn that it takes than they gain.
"""

from __future__ import annotations

from typing import Final

MANY: Final = 8  # requests in one turn, besides the one that looks
LOOK_EVERY: Final = 61  # requests; a prime, so that it is another place in the turn each time
FEW_IN_A_ROW: Final = 8  # turns


class Crowd:
    """What one worker has seen of its turns.

    many: whether there were many in one of the last turns. counted: requests, counted by who asks.
    """

    __slots__ = ("_few", "counted", "many")

    def __init__(self) -> None:
        self.counted = 0
        self.many = False
        self._few = 0  # turns in a row

    @property
    def looks(self) -> bool:
        """Whether the request that was counted last is one that finds out how many come with it."""
        return self.counted % LOOK_EVERY == 0

    def saw(self, others: int, *, quick: bool = True) -> None:
        """others: how many came with a request in its turn. quick: whether it was no hardship to wait for them."""
        if others >= MANY:
            self._few = 0
            self.many = quick
        else:
            self._few += 1
            if self._few >= FEW_IN_A_ROW:
                self.many = False
