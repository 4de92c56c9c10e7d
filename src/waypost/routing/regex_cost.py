"""Proof that matching an expression takes time linear in the input, whatever the input.

A backtracking matcher is slow when one text can be read in many ways. Two shapes make the number of ways grow with
the text: a loop that can read the same text in two ways, as `(a+)+`, and two loops one after the other that can
share a text, as `.*x.*y`. Both are found in the automaton of the expression: as two equal walks from a state back to
itself, and as a text that leads from one loop to itself, from it to a second one, and from that to itself.
Source: Weber and Seidl, "On the degree of ambiguity of finite automata" (1991).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from waypost.routing.regex_automaton import Automaton
from waypost.routing.regex_tree import (
    ALL,
    Avoid,
    Chars,
    Choice,
    Edge,
    Group,
    Look,
    Node,
    PatternError,
    Repeat,
    Sequence,
)

_MAX_WAYS: Final = 5000  # readings of one text outside of loops
_MAX_STEPS: Final = 20_000  # of the search for two readings
_ADVICE: Final = "Write what may stand there more exactly, for example [^/]+ instead of .*"


def check_linear(node: Node) -> None:
    """Raise PatternError unless matching the whole of a text against `node` is linear in its length."""
    _check_looks(node, inside=False, behind=False)
    _Check(Automaton(trim(node))).run()


def trim(node: Node) -> Node:
    """The expression without a last `.*`, which reads the rest of any text and never has to give anything back."""
    if isinstance(node, Repeat):
        if node.most is None and isinstance(node.item, Chars) and node.item.ranges == ALL.ranges:
            return Sequence((node.item,) * node.least)
        return Repeat(trim(node.item), node.least, 1, node.lazy, node.column) if node.most == 1 else node
    if isinstance(node, Sequence) and node.items:
        # An end after a `.*` holds always: it stands where the text does.
        rest = node.items[:-1] if node.items[-1] == Edge("end") else node.items
        return Sequence((*rest[:-1], trim(rest[-1]))) if rest else node
    if isinstance(node, Choice):
        return Choice(tuple(map(trim, node.branches)))
    return Group(node.name, trim(node.item)) if isinstance(node, Group) else node


def _check_looks(node: Node, inside: bool, behind: bool) -> bool:
    """Refuse a look-ahead that reads on without end from many places. inside, behind: a loop. True after a loop."""
    if isinstance(node, Sequence):
        for item in node.items:
            behind = _check_looks(item, inside, behind)
        return behind
    if isinstance(node, Choice):
        return max([_check_looks(branch, inside, behind) for branch in node.branches])
    if isinstance(node, Group):
        return _check_looks(node.item, inside, behind)
    if isinstance(node, Repeat):
        endless = node.most is None
        return _check_looks(node.item, inside or endless, behind) or endless
    if isinstance(node, Avoid):
        return True
    if isinstance(node, Look):
        if (inside or behind) and _endless(node.item):
            message = "this look-ahead reads to the end of the path from many places, which can be slow"
            raise PatternError(message, node.column, "Move it to the beginning, or bound what it reads.")
        _check_looks(node.item, inside, behind=False)
        _Check(Automaton(trim(node.item))).run()
    return behind


def _endless(node: Node) -> bool:
    if isinstance(node, Sequence):
        return any(map(_endless, node.items))
    if isinstance(node, Choice):
        return any(map(_endless, node.branches))
    if isinstance(node, Repeat):
        return node.most is None or _endless(node.item)
    return isinstance(node, Avoid) or (isinstance(node, Group | Look) and _endless(node.item))


class _Check:
    def __init__(self, automaton: Automaton) -> None:
        self.edges = automaton.edges
        self.masks = automaton.masks
        self.columns = automaton.columns
        self.component = automaton.component
        self._steps = 0

    def run(self) -> None:
        self._check_ways()
        loops = [state for state, number in enumerate(self.component) if number]
        for state in loops:
            self._check_one_loop(state)
        reach = self._reachable(loops)
        for first in loops:
            for second in loops:
                if self.component[first] != self.component[second] and second in reach[first]:
                    self._check_two_loops(first, second)

    def _step(self, column: int) -> None:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise PatternError("this pattern is too complicated to be shown to be fast", column, _ADVICE)

    def _check_one_loop(self, start: int) -> None:
        """Refuse two readings of one text from `start` back to `start`."""
        number = self.component[start]
        seen = {(start, start)}
        forward: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        queue = [(start, start)]
        apart: set[tuple[int, int]] = set()
        while queue:
            pair = queue.pop()
            for left, ways in self.edges[pair[0]].items():
                if self.component[left] != number:
                    continue
                if ways > 1 and pair[0] == pair[1]:
                    self._refuse_loop(left)
                for right in self.edges[pair[1]]:
                    if self.component[right] != number or not self.masks[left] & self.masks[right]:
                        continue
                    self._step(self.columns[left])
                    after = (left, right)
                    forward[after].append(pair)
                    if left != right:
                        apart.add(after)
                    if after not in seen:
                        seen.add(after)
                        queue.append(after)
        # Backwards from the start: a pair of different states on the way means two readings that meet again.
        queue, back = [(start, start)], {(start, start)}
        while apart and queue:
            for before in forward[queue.pop()]:
                if before in apart:
                    self._refuse_loop(before[0])
                if before not in back:
                    back.add(before)
                    queue.append(before)

    def _refuse_loop(self, state: int) -> None:
        message = "this repeats something that can read the same text in two ways, which can be slow"
        raise PatternError(message, self.columns[state], "Take one of the two repetitions away.")

    def _check_two_loops(self, first: int, second: int) -> None:
        """Refuse a text that leads from the first loop to itself, to the second, and from the second to itself."""
        goal = (first, second, second)
        start = (first, first, second)
        seen, queue = {start}, [start]
        one, two = self.component[first], self.component[second]
        while queue:
            a, b, c = queue.pop()
            for left in self.edges[a]:
                if self.component[left] != one:
                    continue
                for right in self.edges[c]:
                    common = self.masks[left] & self.masks[right]
                    if self.component[right] != two or not common:
                        continue
                    for middle in self.edges[b]:
                        if not common & self.masks[middle]:
                            continue
                        self._step(self.columns[right])
                        after = (left, middle, right)
                        if after == goal:
                            message = "two parts of this pattern can take the same text, which can be slow"
                            raise PatternError(message, self.columns[second], _ADVICE)
                        if after not in seen:
                            seen.add(after)
                            queue.append(after)

    def _reachable(self, loops: list[int]) -> dict[int, set[int]]:
        found: dict[int, set[int]] = {}
        for state in loops:
            seen, queue = {state}, [state]
            while queue:
                for target in self.edges[queue.pop()]:
                    if target not in seen:
                        seen.add(target)
                        queue.append(target)
            found[state] = seen
        return found

    def _check_ways(self) -> None:
        """Refuse too many readings outside of loops, as `(?:a?){30}` has them."""
        ways = [0] * len(self.masks)
        # States are numbered in reading order: every edge that is in no loop leads to a higher number.
        for state in range(len(self.masks) - 1, -1, -1):
            targets = [t for t in self.edges[state] if t > state]
            most = 1
            if not self.component[state]:
                for target in targets:
                    mask = self.masks[target]
                    most = max(most, sum(1 for t in targets if self.masks[t] & mask))
            ways[state] = most * max((ways[t] for t in targets), default=1)
            if ways[state] > _MAX_WAYS:
                raise PatternError("this pattern can read one text in too many ways", self.columns[state], _ADVICE)
