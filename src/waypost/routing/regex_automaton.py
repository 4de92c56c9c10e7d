"""Glushkov's automaton of an expression: a state for each place where a character is read.

Look-aheads and edges read nothing and are left out: the automaton takes more than the expression does, never less.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from waypost.routing.regex_tree import (
    Avoid,
    Chars,
    Choice,
    Group,
    Node,
    PatternError,
    Ranges,
    Repeat,
    Sequence,
    common,
    invert,
)

_MAX_STATES: Final = 2000


class Automaton:
    """Glushkov's automaton: a state for each place where a character is read, an edge for each way to get there.

    edges count, because two ways between the same two places are two readings too.
    """

    def __init__(self, node: Node) -> None:
        self.sets: list[Ranges] = [()]  # state 0 is the beginning
        self.columns: list[int] = [0]
        self.edges: dict[int, dict[int, int]] = defaultdict(dict)
        _, first, _ = self._add(node)
        self._join([0], first)
        self.masks = _masks(self.sets)
        self.component = self._components()

    def _add(self, node: Node) -> tuple[bool, list[int], list[int]]:
        """Add an expression. Gives whether it can be empty, and the states it can begin and end with."""
        if isinstance(node, Chars):
            state = self._state(node.ranges, node.column)
            return False, [state], [state]
        if isinstance(node, Group):
            return self._add(node.item)
        if isinstance(node, Choice):
            parts = [self._add(branch) for branch in node.branches]
            firsts, lasts = [s for p in parts for s in p[1]], [s for p in parts for s in p[2]]
            return any(part[0] for part in parts), firsts, lasts
        if isinstance(node, Repeat):
            return self._add_repeat(node)
        if isinstance(node, Avoid):
            return self._add_avoid(node)
        return self._chain(node.items if isinstance(node, Sequence) else ())

    def _state(self, ranges: Ranges, column: int) -> int:
        self.sets.append(ranges)
        self.columns.append(column)
        if len(self.sets) > _MAX_STATES:
            raise PatternError("this pattern is too large", column)
        return len(self.sets) - 1

    def _add_avoid(self, node: Avoid) -> tuple[bool, list[int], list[int]]:
        """States that know how much of the avoided text was just read (Knuth, Morris, Pratt)."""
        text = node.text
        letters = [(c, ((ord(c), ord(c)),)) for c in sorted(set(text))]
        others = common(node.ranges, invert(tuple(part for _, ranges in letters for part in ranges)))
        kinds: list[tuple[str, Ranges]] = [("", others), *letters]
        made: dict[tuple[str, int], int] = {}
        work: list[tuple[int | None, int]] = [(None, 0)]
        first: list[int] = []
        while work:
            state, read = work.pop()
            for letter, ranges in kinds:
                after = _longest_end(text[:read] + letter, text) if letter else 0
                if after == len(text) or not common(ranges, node.ranges):
                    continue
                fresh = (letter, after) not in made
                if fresh:
                    made[letter, after] = self._state(ranges, node.column)
                    work.append((made[letter, after], after))
                if state is None:
                    first.append(made[letter, after])
                else:
                    self._join([state], [made[letter, after]])
        return False, first, list(made.values())

    def _chain(self, items: Iterable[Node]) -> tuple[bool, list[int], list[int]]:
        empty, first, last = True, list[int](), list[int]()
        for item in items:
            item_empty, item_first, item_last = self._add(item)
            self._join(last, item_first)
            first = first + item_first if empty else first
            last = last + item_last if item_empty else item_last
            empty = empty and item_empty
        return empty, first, last

    def _add_repeat(self, node: Repeat) -> tuple[bool, list[int], list[int]]:
        if node.most is None:
            copies: list[Node] = [node.item] * max(node.least - 1, 0)
            empty, first, last = self._chain(copies)
            item_empty, item_first, item_last = self._add(node.item)
            self._join(last, item_first)
            self._join(item_last, item_first)
            may_skip = item_empty or node.least == 0
            return (
                empty and may_skip,
                first + item_first if empty else first,
                last + item_last if may_skip else item_last,
            )
        optional = Repeat(node.item, 0, 1)
        if node.most == 1 and node.least == 0:
            _, first, last = self._add(node.item)
            return True, first, last
        return self._chain([node.item] * node.least + [optional] * (node.most - node.least))

    def _join(self, sources: list[int], targets: list[int]) -> None:
        for source in sources:
            row = self.edges[source]
            for target in targets:
                row[target] = row.get(target, 0) + 1

    def _components(self) -> list[int]:
        """The loop that each state belongs to, by number; 0 for a state in none (Tarjan, without recursion)."""
        size = len(self.sets)
        order, low, found, count = [0] * size, [0] * size, [0] * size, 0
        stack: list[int] = []
        on_stack = [False] * size
        clock = 0
        for root in range(size):
            if order[root]:
                continue
            work = [(root, iter(self.edges[root]))]
            clock += 1
            order[root] = low[root] = clock
            stack.append(root)
            on_stack[root] = True
            while work:
                state, targets = work[-1]
                for target in targets:
                    if not order[target]:
                        clock += 1
                        order[target] = low[target] = clock
                        stack.append(target)
                        on_stack[target] = True
                        work.append((target, iter(self.edges[target])))
                        break
                    if on_stack[target]:
                        low[state] = min(low[state], order[target])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[state])
                    if low[state] == order[state]:
                        members = stack[stack.index(state) :]
                        del stack[-len(members) :]
                        loops = len(members) > 1 or state in self.edges[state]
                        count += loops
                        for member in members:
                            on_stack[member] = False
                            found[member] = count if loops else 0
        return found


def _longest_end(read: str, text: str) -> int:
    """How many characters at the end of `read` are the beginning of `text`."""
    return next(size for size in range(min(len(read), len(text)), -1, -1) if read.endswith(text[:size]))


def _masks(sets: list[Ranges]) -> list[int]:
    """For each set of characters a number; two sets share a character when their numbers share a bit."""
    borders = sorted({border for ranges in sets for low, high in ranges for border in (low, high + 1)})
    index = {border: at for at, border in enumerate(borders)}
    masks = []
    for ranges in sets:
        mask = 0
        for low, high in ranges:
            mask |= (1 << index[high + 1]) - (1 << index[low])
        masks.append(mask)
    return masks
