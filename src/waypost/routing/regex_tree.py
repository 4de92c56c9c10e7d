"""Regular expressions as a tree of values, and the tree as an expression of Python's `re`.

The tree is what `regex_cost.py` looks at to prove, before the first request, that no input makes an expression slow.
Knows no paths.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

TOP: Final = 0x10FFFF

Ranges: TypeAlias = tuple[tuple[int, int], ...]


class PatternError(ValueError):
    """A mistake in a pattern. column: where, from 0; remedy: what to write instead."""

    def __init__(self, message: str, column: int, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of a set: sorted, disjoint ranges of code points."""

    ranges: Ranges
    column: int = 0


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; without items it reads nothing."""

    items: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of them, the first that fits."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """item, `least` to `most` times; most None is without end. keeps: gives nothing back once it has read it."""

    item: Node
    least: int
    most: int | None
    lazy: bool = False
    column: int = 0
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Avoid:
    """Characters of `ranges`, one or more, at none of which `text` begins."""

    ranges: Ranges
    text: str
    lazy: bool = False
    column: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """A look-ahead: takes no character."""

    item: Node
    negative: bool
    column: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """A place between two characters: the beginning, the end, a border of a word, or none."""

    kind: Literal["start", "end", "word", "inner"]


@dataclass(frozen=True, slots=True)
class Group:
    """A named capture."""

    name: str
    item: Node


Node: TypeAlias = "Chars | Sequence | Choice | Repeat | Avoid | Look | Edge | Group"

ALL: Final = Chars(((0, TOP),))


def invert(ranges: Ranges) -> Ranges:
    """The characters that are not in `ranges`."""
    out: list[tuple[int, int]] = []
    start = 0
    for low, high in ranges:
        if low > start:
            out.append((start, low - 1))
        start = high + 1
    if start <= TOP:
        out.append((start, TOP))
    return tuple(out)


def merge(ranges: list[tuple[int, int]]) -> Ranges:
    """Sorted, disjoint ranges of the same characters."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return tuple(out)


def common(first: Ranges, second: Ranges) -> Ranges:
    """The characters of both."""
    return tuple(
        (max(low, other), min(high, top))
        for low, high in first
        for other, top in second
        if low <= top and other <= high
    )


def character(text: str, column: int = 0) -> Chars:
    """Exactly this character."""
    return Chars(((ord(text), ord(text)),), column)


def literal(text: str, column: int = 0) -> Node:
    """Exactly this text."""
    return Sequence(tuple(character(c, column) for c in text))


def join(*nodes: Node) -> Node:
    """One node after the other; empty ones are left out."""
    items = tuple(node for node in nodes if node != Sequence())
    return items[0] if len(items) == 1 else Sequence(items)


def first(node: Node) -> tuple[Ranges, bool]:
    """The characters that an expression can begin with, and whether it can be empty."""
    if isinstance(node, Chars | Avoid):
        return node.ranges, False
    if isinstance(node, Look | Edge):
        return (), True
    if isinstance(node, Group):
        return first(node.item)
    if isinstance(node, Repeat):
        ranges, empty = first(node.item)
        return ranges, empty or node.least == 0
    parts = [first(part) for part in (node.branches if isinstance(node, Choice) else node.items)]
    if isinstance(node, Choice):
        return merge([pair for ranges, _ in parts for pair in ranges]), any(empty for _, empty in parts)
    found: list[tuple[int, int]] = []
    for ranges, empty in parts:
        found.extend(ranges)
        if not empty:
            return merge(found), False
    return merge(found), True


def settle(node: Node, after: Ranges = ()) -> Node:
    """The same expression, in which a loop keeps what it has read where giving it back could not help.

    That is where the next character can't be one of the loop's. after: the characters that can follow the node; the
    end of the text is not one of them. Only for an expression that has to match the whole text.
    """
    if isinstance(node, Sequence):
        items: list[Node] = []
        for item in reversed(node.items):
            items.append(settle(item, after))
            ranges, empty = first(item)
            after = merge([*ranges, *after]) if empty else ranges
        return Sequence(tuple(reversed(items)))
    if isinstance(node, Choice):
        return Choice(tuple(settle(branch, after) for branch in node.branches))
    if isinstance(node, Group):
        return Group(node.name, settle(node.item, after))
    if isinstance(node, Look):
        # A look-ahead does not have to reach the end: what it gives back can make it succeed.
        return Look(settle(node.item, ALL.ranges), node.negative, node.column)
    if isinstance(node, Repeat):
        if isinstance(node.item, Chars):
            keeps = node.most is None and not common(node.item.ranges, after)
            return replace(node, lazy=node.lazy and not keeps, keeps=keeps)
        again = after if node.most == 1 else merge([*after, *first(node.item)[0]])
        return replace(node, item=settle(node.item, again))
    return node


_EDGES: Final = {"start": r"\A", "end": r"\Z", "word": r"\b", "inner": r"\B"}


def render(node: Node) -> str:
    """The expression for `re.compile(..., re.DOTALL | re.ASCII)`."""
    if isinstance(node, Chars):
        return _render_chars(node.ranges)
    if isinstance(node, Sequence):
        return "".join(f"(?:{render(i)})" if isinstance(i, Choice) else render(i) for i in node.items)
    if isinstance(node, Choice):
        return "|".join(render(branch) for branch in node.branches)
    if isinstance(node, Repeat):
        item = render(node.item)
        if not isinstance(node.item, Chars):
            item = f"(?:{item})"
        return item + _render_count(node.least, node.most) + ("+" if node.keeps else "?" if node.lazy else "")
    if isinstance(node, Avoid):
        return f"(?:(?!{re.escape(node.text)}){_render_chars(node.ranges)})+{'?' if node.lazy else ''}"
    if isinstance(node, Look):
        return f"(?{'!' if node.negative else '='}{render(node.item)})"
    if isinstance(node, Group):
        return f"(?P<{node.name}>{render(node.item)})"
    return _EDGES[node.kind]


def _render_count(least: int, most: int | None) -> str:
    signs = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    if (least, most) in signs:
        return signs[least, most]
    return f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"


def _render_chars(ranges: Ranges) -> str:
    if ranges == ALL.ranges:
        return "."
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return re.escape(chr(ranges[0][0]))
    others = invert(ranges)
    shown, sign = (others, "^") if len(others) < len(ranges) else (ranges, "")
    return f"[{sign}{''.join(map(_render_range, shown))}]"


def _render_range(pair: tuple[int, int]) -> str:
    low, high = (f"\\U{code:08x}" for code in pair)
    return low if low == high else f"{low}-{high}"
