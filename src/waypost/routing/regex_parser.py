"""Regular expressions as JavaScript and path patterns spell them → a tree.

What the tree has no node for (back-references, look-behind, inline flags) is refused with its column.
Source: ECMA-262, "Patterns"; path-to-regexp 6.
"""

from __future__ import annotations

import re
from typing import Final

from waypost.routing.regex_tree import (
    ALL,
    Chars,
    Choice,
    Edge,
    Group,
    Look,
    Node,
    PatternError,
    Ranges,
    Repeat,
    Sequence,
    character,
    invert,
    merge,
)

MAX_REPEAT: Final = 1000
_QUANTIFIER: Final = re.compile(r"\{([0-9]{1,6})(,([0-9]{0,6}))?\}")
_GROUPS: Final = ("?:", "?=", "?!", "?<=", "?<!", "?P<", "?<", "?")
_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r", "v": "\v", "f": "\f", "0": "\0"}
_DIGITS: Final[Ranges] = ((0x30, 0x39),)
_WORD: Final[Ranges] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Final[Ranges] = (
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
    (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
_CLASSES: Final = {"d": _DIGITS, "w": _WORD, "s": _SPACE}


def parse_expression(text: str, offset: int = 0, *, inside_path: bool = False) -> Node:
    """Read a regular expression.

    offset: where the text begins in the pattern around it, for the columns of errors. inside_path: it is a group of
    a path pattern, where captures have their own spelling (`:name(...)`) and `^` could never match.
    Raises PatternError.
    """
    parser = _Parser(text, offset, inside_path)
    node = parser.choice()
    if parser.at < len(text):
        raise parser.error('")" closes nothing', parser.at)
    return node


class _Parser:
    def __init__(self, text: str, offset: int, inside_path: bool) -> None:
        self.text = text
        self.at = 0
        self.offset = offset
        self.inside_path = inside_path

    def error(self, message: str, at: int, remedy: str = "") -> PatternError:
        return PatternError(message, self.offset + at, remedy)

    def peek(self, ahead: int = 0) -> str:
        return self.text[self.at + ahead : self.at + ahead + 1]

    def choice(self) -> Node:
        branches = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            branches.append(self.sequence())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def sequence(self) -> Node:
        items: list[Node] = []
        while (c := self.peek()) and c not in "|)":
            items.append(self.repeat(self.atom()))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def repeat(self, item: Node) -> Node:
        start = self.at
        c = self.peek()
        counted = _QUANTIFIER.match(self.text, self.at) if c == "{" else None
        if counted is not None:
            least = int(counted[1])
            most = least if counted[2] is None else int(counted[3]) if counted[3] else None
            self.at = counted.end()
        elif c and c in "*+?":
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[c]
            self.at += 1
        else:
            return item
        if isinstance(item, Look | Edge):
            raise self.error("there is nothing to repeat here", start)
        if max(least, most or 0) > MAX_REPEAT or (most is not None and most < least):
            raise self.error(f"a repetition counts from low to high, up to {MAX_REPEAT}", start)
        lazy = self.peek() == "?"
        if lazy:
            self.at += 1
        if self.peek() and self.peek() in "*+?":
            raise self.error("there is nothing to repeat here", self.at, "Remove the second sign, or escape it.")
        return Repeat(item, least, most, lazy, self.offset + start)

    def atom(self) -> Node:
        start = self.at
        c = self.text[start]
        self.at += 1
        if c == "(":
            return self.group(start)
        if c == "[":
            return Chars(self.char_class(start), self.offset + start)
        if c == ".":
            return Chars(ALL.ranges, self.offset + start)
        if c == "\\":
            return self.escape(start)
        if c == "$":
            return Edge("end")
        if c == "^":
            if self.inside_path:
                raise self.error(
                    '"^" matches only before the path begins', start, "Remove it: the path has begun here."
                )
            return Edge("start")
        if c in "*+?":
            raise self.error("there is nothing to repeat here", start, f"Write \\{c} for the character itself.")
        return character(c, self.offset + start)

    def group(self, start: int) -> Node:
        kind = next((kind for kind in _GROUPS if self.text.startswith(kind, self.at)), "")
        self.at += len(kind)
        name = ""
        if kind in ("?<=", "?<!"):
            raise self.error("look-behind is not supported", start, "Write what must not come before as a look-ahead.")
        if kind == "?":
            raise self.error("this kind of group is not supported", start, "Use (?:...), (?=...) or (?!...).")
        if kind in ("?<", "?P<"):
            name = self.name(start)
        if self.inside_path and (name or not kind):
            raise self.error("a group inside a group can't capture", start, "Write (?:...) instead of (...).")
        inner = self.choice()
        if self.peek() != ")":
            raise self.error('this "(" is never closed', start)
        self.at += 1
        if kind in ("?=", "?!"):
            return Look(inner, kind == "?!", self.offset + start)
        return Group(name, inner) if name else inner

    def name(self, start: int) -> str:
        end = self.text.find(">", self.at)
        name = self.text[self.at : end] if end >= 0 else ""
        if not name.isidentifier() or not name.isascii():
            raise self.error("a capture needs a name of letters, digits and _", start)
        self.at = end + 1
        return name

    def escape(self, start: int) -> Node:
        c = self.peek()
        if c and c in "bB":
            self.at += 1
            return Edge("word" if c == "b" else "inner")
        return Chars(self.escaped(start), self.offset + start)

    def escaped(self, start: int) -> Ranges:
        """The characters of an escape; `at` stands behind the backslash."""
        c = self.peek()
        self.at += 1
        if not c:
            raise self.error("the pattern ends with a backslash", start, "Write \\\\ for a backslash itself.")
        if c.lower() in _CLASSES:
            ranges = _CLASSES[c.lower()]
            return ranges if c.islower() else invert(ranges)
        digits = {"x": 2, "u": 4}.get(c)
        if digits is not None:
            code = self.text[self.at : self.at + digits]
            if re.fullmatch(rf"[0-9A-Fa-f]{{{digits}}}", code) is None:
                raise self.error(f"\\{c} needs {digits} hexadecimal digits", start)
            self.at += digits
            return ((int(code, 16), int(code, 16)),)
        if c in _CONTROLS and not (c == "0" and self.peek().isdigit()):
            c = _CONTROLS[c]
        elif c.isascii() and c.isalnum():
            what = "back-references are not supported" if c.isdigit() or c == "k" else f"\\{c} is no escape"
            raise self.error(what, start)
        return ((ord(c), ord(c)),)

    def char_class(self, start: int) -> Ranges:
        negative = self.peek() == "^"
        if negative:
            self.at += 1
        found: list[tuple[int, int]] = []
        while (c := self.peek()) != "]":
            if not c:
                raise self.error('this "[" is never closed', start)
            here = self.at
            low = self.class_item()
            if self.peek() == "-" and self.peek(1) not in ("]", ""):
                self.at += 1
                high = self.class_item()
                if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or low[0][0] > high[0][1]:
                    raise self.error("this range of characters has no order", here)
                found.append((low[0][0], high[0][1]))
            else:
                found.extend(low)
        self.at += 1
        ranges = merge(found)
        if negative:
            ranges = invert(ranges)
        if not ranges:
            raise self.error("this set of characters is empty", start)
        return ranges

    def class_item(self) -> Ranges:
        start = self.at
        c = self.text[start]
        self.at += 1
        if c != "\\":
            return ((ord(c), ord(c)),)
        if self.peek() == "b":
            self.at += 1
            return ((8, 8),)
        return self.escaped(start)
