"""Path patterns that match: one PathPattern, or a PathSet of many, against the path that the router sees.

A path has up to three spellings: as sent, with only the escapes that it needs, and decoded. The router takes all of
them for one path, so a pattern that matches any of them matches the path: nobody walks around a guard by writing
`%61dmin` or `admin%2Fusers`. Everything is compiled at start-up, and refused there if any input could make it slow.
Source: path-to-regexp 6 as Next.js uses it for matchers, redirects, rewrites and headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, TypeAlias

from waypost.routing.canonical import decode_text
from waypost.routing.path_pattern import Parameter, Part, parse_path_pattern
from waypost.routing.pattern import encode_octet, encode_segment
from waypost.routing.regex_cost import check_linear
from waypost.routing.regex_parser import parse_expression
from waypost.routing.regex_tree import (
    ALL,
    Avoid,
    Chars,
    Choice,
    Edge,
    Group,
    Node,
    Repeat,
    Sequence,
    character,
    invert,
    join,
    literal,
    merge,
    render,
    settle,
)

Captures: TypeAlias = dict[str, str | list[str]]

_ESCAPES: Final = re.compile(r"((?:%[0-9A-Fa-f]{2})+)")
# By octet; in decoded text NUL stands for an encoded slash.
_ENCODED: Final = ["%2F", *("/" if octet == 0x2F else encode_octet(octet) for octet in range(1, 256))]
_SLASHES: Final = re.compile(r"/{2,}")
_FLAGS: Final = re.DOTALL | re.ASCII
_REST: Final = (".*", ".+")


def spellings(path: str) -> tuple[str, ...]:
    """The spellings of a canonical path: as sent, with only the escapes it needs, and decoded, `%2F` to a slash.

    Raises InvalidPath for what the router refuses too.
    """
    if "%" not in path:
        return (path,)
    text = decode_text(path)
    encoded, decoded = (
        "".join(map(_ENCODED.__getitem__, text.encode("utf-8"))),
        _SLASHES.sub("/", text.replace("\0", "/")),
    )
    return (path, decoded) if encoded == path else (path, encoded, decoded)


class PathPattern:
    """One compiled pattern.

    source: as written. names: its parameters in order; unnamed ones are called "0", "1", …
    base_path: stands before the pattern. Raises PatternError with the column of the mistake in `source`.
    """

    __slots__ = ("_capturing", "_groups", "expression", "literal", "names", "repeated", "root", "source", "starts")

    def __init__(self, source: str, base_path: str = "") -> None:
        parts = parse_path_pattern(source)
        if base_path:
            parts = _below(base_path, parts)
        self.source = source
        self.names = tuple(part.name for part in parts if isinstance(part, Parameter) and part.name)
        #: The parameters whose value is a list of segments.
        self.repeated = frozenset(part.name for part in parts if isinstance(part, Parameter) and part.repeats)
        nodes = [_node(part, parts[index + 1 :], index) for index, part in enumerate(parts)]
        check_linear(Sequence(tuple(nodes)))
        whole = settle(Sequence((*nodes, Repeat(character("/"), 0, 1), Edge("end"))))
        #: The exact path that the pattern is, and the beginning that is enough to match; None where it is not so easy.
        self.literal, self.starts = _easy(parts)
        self.expression = render(_without_groups(whole))
        self._capturing = re.compile(render(whole), _FLAGS)
        #: The base path, where the pattern has it as the "/" that it would have without one: `/(.*)` below `/docs`.
        found = self._capturing.match
        self.root = base_path if base_path and not found(base_path) and found(f"{base_path}/") else None
        self._groups = [
            (part.name, f"p{index}", part) for index, part in enumerate(parts) if isinstance(part, Parameter)
        ]

    def match(self, path: str) -> Captures | None:
        """The values of the parameters, as they stand in `path`; None when the pattern does not match.

        path: one spelling of a canonical path. A repeated parameter gives a list; one that is not there is left out.
        """
        found = self._capturing.match(path if path != self.root else f"{path}/")
        if found is None:
            return None
        values: Captures = {}
        for name, group, part in self._groups:
            value = found[group] if name else None
            if value is None:
                continue
            if part.repeats:
                values[name] = [piece for piece in value.split(f"{part.suffix}{part.prefix}") if piece]
            else:
                values[name] = value
        return values

    def find(self, path: str, *, encoded: bool = False) -> Captures | None:
        """As `match`, in the first spelling of `path` that matches. Raises InvalidPath.

        encoded: leave the decoded spelling out, so that the values can stand in a URL as they are.
        """
        all_spellings = spellings(path)
        for spelling in all_spellings[:-1] if encoded and len(all_spellings) > 1 else all_spellings:
            values = self.match(spelling)
            if values is not None:
                return values
        return None

    def __repr__(self) -> str:
        return f"PathPattern({self.source!r})"


class PathSet:
    """Whether any of some patterns matches, in one step however many they are."""

    __slots__ = ("_exact", "_expressions", "_starts")

    def __init__(self, patterns: Iterable[PathPattern]) -> None:
        exact: set[str] = set()
        starts: list[str] = []
        expressions: list[str] = []
        for pattern in patterns:
            if pattern.literal is None and pattern.starts is None:
                expressions.append(pattern.expression)
            if pattern.literal is not None:
                exact.update((pattern.literal, pattern.literal.rstrip("/") + "/"))
            if pattern.root is not None:
                exact.add(pattern.root)
            if pattern.starts is not None:
                starts.append(pattern.starts)
        self._exact = frozenset(exact)
        self._starts = tuple(starts)
        self._expressions = re.compile("|".join(expressions), _FLAGS).match if expressions else None

    def matches(self, path: str) -> bool:
        """path: canonical, as sent. Raises InvalidPath for what the router refuses too."""
        if "%" in path:
            return any(map(self._matches, spellings(path)))
        # The commonest case once more instead of a call.
        if path in self._exact or path.startswith(self._starts):
            return True
        return self._expressions is not None and self._expressions(path) is not None

    def _matches(self, spelling: str) -> bool:
        if spelling in self._exact or spelling.startswith(self._starts):
            return True
        return self._expressions is not None and self._expressions(spelling) is not None

    def __bool__(self) -> bool:
        return bool(self._exact or self._starts or self._expressions)


def _below(base_path: str, parts: list[Part]) -> list[Part]:
    if not isinstance(parts[0], str):
        return [base_path, *parts]
    return [base_path if parts == ["/"] else base_path + parts[0], *parts[1:]]


def _easy(parts: list[Part]) -> tuple[str | None, str | None]:
    """What makes matching a look-up or a comparison: the exact path, and the beginning, of simple patterns."""
    first, last = parts[0], parts[-1]
    text = first if isinstance(first, str) else ""
    if len(parts) > 2 or (len(parts) == 2 and not text) or _plain(text) != text:
        return None, None
    if isinstance(last, str):
        return text, None
    if last.suffix:
        return None, None
    begin = text + last.prefix
    if last.modifier == "" and last.expression == ".*":
        return None, begin
    if last.modifier == "*" and last.prefix == "/" and last.expression in ("", *_REST):
        return text or None, begin
    return None, None


def _plain(text: str) -> str:
    """The text with the escapes that a path needs."""
    return "/".join(map(encode_segment, text.split("/")))


def _node(part: Part, rest: list[Part], index: int) -> Node:
    if isinstance(part, str):
        return _literal(part)
    prefix, suffix = _literal(part.prefix, part.column), _literal(part.suffix, part.column)
    if not part.name:
        return _optional(join(prefix, suffix), part)
    slash_follows = part.expression in _REST or (not part.expression and _slash_follows(rest))
    if part.repeats and part.prefix == "/" and not part.suffix and slash_follows:
        return _optional(join(prefix, Group(f"p{index}", _segments(part, rest))), part)
    value = _usual(part)
    if part.expression:
        value = parse_expression(part.expression, part.expression_column, inside_path=True)
    if part.repeats:
        value = join(value, Repeat(join(suffix, prefix, value), 0, None, False, part.column))
    return _optional(join(prefix, Group(f"p{index}", value), suffix), part)


def _segments(part: Parameter, rest: list[Part]) -> Node:
    """One segment after the other. A canonical path has no empty ones, so it is enough that no slash comes last."""
    if part.expression or not rest:
        return Repeat(Chars(ALL.ranges, part.column), 0 if part.expression == ".*" else 1, None)
    return Sequence((Repeat(Chars(ALL.ranges, part.column), 0, None), Chars(invert(((0x2F, 0x2F),)), part.column)))


def _slash_follows(rest: list[Part]) -> bool:
    """Whether the parts begin with a slash, or the path ends."""
    for part in rest:
        if isinstance(part, str):
            return part.startswith("/")
        if not part.prefix.startswith("/"):
            return False
        if part.modifier in ("", "+"):
            return True
    return True


def _optional(node: Node, part: Parameter) -> Node:
    if part.modifier == "" or (part.name and part.modifier == "+"):
        return node
    least, most = {"?": (0, 1), "*": (0, 1 if part.name else None), "+": (1, None)}[part.modifier]
    return Repeat(node, least, most, False, part.column)


def _usual(part: Parameter) -> Node:
    """Some characters of one segment, as few as do, that do not run into the text before the parameter: `:a-:b`."""
    apart = part.before if not any(sign in part.before for sign in "/#?") else ""
    if len(apart) > 1:
        return Avoid(invert(((0x2F, 0x2F),)), apart, True, part.column)
    ranges = merge([(0x2F, 0x2F), *((ord(c), ord(c)) for c in apart)])
    return Repeat(Chars(invert(ranges), part.column), 1, None, True, part.column)


def _literal(text: str, column: int = 0) -> Node:
    """Literal text of a path, in each spelling that a path may have it: `é` stands for itself and for `%C3%A9`."""
    nodes: list[Node] = []
    for piece in _ESCAPES.split(text):
        for c in _unescape(piece) if piece[:1] == "%" else piece:
            encoded = c if c == "/" else encode_segment(c)
            plain = character(c, column)
            nodes.append(plain if encoded == c else Choice((literal(encoded, column), plain)))
    return Sequence(tuple(nodes))


def _unescape(escapes: str) -> str:
    octets = bytes.fromhex(escapes.replace("%", ""))
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        return escapes.upper()
    return escapes.upper() if "/" in text or "\\" in text else text


def _without_groups(node: Node) -> Node:
    if isinstance(node, Group):
        return _without_groups(node.item)
    if isinstance(node, Sequence):
        return Sequence(tuple(map(_without_groups, node.items)))
    if isinstance(node, Choice):
        return Choice(tuple(map(_without_groups, node.branches)))
    if isinstance(node, Repeat):
        return replace(node, item=_without_groups(node.item))
    return node
