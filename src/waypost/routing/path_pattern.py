"""The text of a path pattern → its parts: `/api/:path*`, `/blog/:slug(\\d+)`, `/((?!static).*)`, `/docs{/:page}?`.

Reads only; `matcher.py` makes something that matches of the parts. Every mistake is a PatternError with its column.
Source: path-to-regexp 6, the syntax of Next.js' matchers, redirects and rewrites.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from waypost.routing.regex_tree import PatternError

Modifier: TypeAlias = Literal["", "?", "*", "+"]

MAX_LENGTH: Final = 2000  # characters of one pattern
_NAME: Final = re.compile(r"[0-9A-Za-z_]+")
_PREFIXES: Final = "./"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part that varies.

    name: "" for a part without a capture, as `{/old}?`. prefix, suffix: literal text that comes and goes with it.
    expression: the regular expression as written, "" for the usual one (some characters other than a slash).
    before: the literal text in front, which the usual expression does not run into.
    column: where it stands; expression_column: where the text of its expression begins.
    """

    name: str
    prefix: str = ""
    suffix: str = ""
    expression: str = ""
    modifier: Modifier = ""
    before: str = ""
    column: int = 0
    expression_column: int = 0

    @property
    def repeats(self) -> bool:
        """Whether it can stand more than once."""
        return self.modifier in ("*", "+")


Part: TypeAlias = "str | Parameter"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["text", "escaped", "name", "expression", "open", "close", "modifier", "end"]
    text: str
    column: int


def parse_path_pattern(source: str) -> list[Part]:
    """Split a pattern into literal text and parameters. Raises PatternError."""
    if not source.startswith("/"):
        raise PatternError("a path pattern begins with a slash", 0, f"Write /{source}" if source else 'Write "/".')
    if len(source) > MAX_LENGTH:
        raise PatternError(f"a path pattern has at most {MAX_LENGTH} characters", MAX_LENGTH)
    parts = _Parser(_tokens(source)).parts()
    seen: set[str] = set()
    for part in parts:
        if isinstance(part, Parameter) and part.name:
            if part.name in seen:
                remedy = "Give one of them another name."
                raise PatternError(f"two parts are called :{part.name}", part.column + len(part.prefix), remedy)
            seen.add(part.name)
    return parts


def _tokens(source: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(source):
        c = source[at]
        if c in "*+?":
            tokens.append(_Token("modifier", c, at))
        elif c == "\\":
            if at + 1 == len(source):
                raise PatternError("the pattern ends with a backslash", at, "Write \\\\ for a backslash itself.")
            tokens.append(_Token("escaped", source[at + 1], at))
            at += 1
        elif c in "{}":
            tokens.append(_Token("open" if c == "{" else "close", c, at))
        elif c == ":":
            name = _NAME.match(source, at + 1)
            if name is None:
                raise PatternError('":" needs a name after it', at, "Write \\: for a colon that belongs to the path.")
            tokens.append(_Token("name", name[0], at))
            at = name.end() - 1
        elif c == "(":
            end = _end_of_group(source, at)
            tokens.append(_Token("expression", source[at + 1 : end], at))
            at = end
        elif c == ")":
            raise PatternError('")" closes nothing', at, "Write \\) for a parenthesis that belongs to the path.")
        else:
            tokens.append(_Token("text", c, at))
        at += 1
    tokens.append(_Token("end", "", len(source)))
    return tokens


def _end_of_group(source: str, start: int) -> int:
    """The index of the parenthesis that closes the one at `start`."""
    depth, at, in_set = 0, start, False
    while at < len(source):
        c = source[at]
        if c == "\\":
            at += 1
        elif in_set:
            in_set = c != "]"
        elif c == "[":
            in_set = True
        elif c == "(":
            depth += 1
        elif c == ")":
            depth -= 1
            if depth == 0:
                break
        at += 1
    else:
        remedy = "Write \\( for a parenthesis that belongs to the path."
        raise PatternError('this "(" is never closed', start, remedy)
    if at == start + 1:
        raise PatternError("the parentheses are empty", start, "Write an expression between them, as (.*)")
    if source[start + 1] == "?":
        raise PatternError('an expression can\'t begin with "?"', start + 1, "Write ((?!...).*): two parentheses.")
    return at


class _Parser:
    def __init__(self, tokens: Sequence[_Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.found: list[Part] = []
        self.text = ""
        self.unnamed = 0

    def take(self, kind: str) -> _Token | None:
        token = self.tokens[self.at]
        if token.kind != kind:
            return None
        self.at += 1
        return token

    def parts(self) -> list[Part]:
        while True:
            column = self.tokens[self.at].column
            char, name, expression = self.take("text"), self.take("name"), self.take("expression")
            if name is not None or expression is not None:
                prefix = char.text if char is not None else ""
                if prefix not in _PREFIXES:
                    self.text += prefix
                    prefix = ""
                self._flush()
                self._parameter(prefix, "", name, expression, column)
                continue
            literal = char or self.take("escaped")
            if literal is not None:
                self.text += literal.text
                continue
            self._flush()
            if self.take("open") is not None:
                self._group(column)
                continue
            token = self.tokens[self.at]
            if token.kind == "end":
                return self.found
            raise _unexpected(token)

    def _flush(self) -> None:
        if self.text:
            self.found.append(self.text)
            self.text = ""

    def _group(self, column: int) -> None:
        prefix = self._literal()
        name, expression = self.take("name"), self.take("expression")
        suffix = self._literal()
        if self.take("close") is None:
            token = self.tokens[self.at]
            if token.kind == "end":
                remedy = "Write \\{ for a brace that belongs to the path."
                raise PatternError('this "{" is never closed', column, remedy)
            raise _unexpected(token, "between braces stand text, one parameter, text")
        self._parameter(prefix, suffix, name, expression, column)

    def _literal(self) -> str:
        text = ""
        while (token := self.take("text") or self.take("escaped")) is not None:
            text += token.text
        return text

    def _parameter(self, prefix: str, suffix: str, name: _Token | None, expression: _Token | None, column: int) -> None:
        modifier = self.take("modifier")
        sign = cast("Modifier", modifier.text) if modifier is not None else ""
        label = name.text if name is not None else ""
        if name is None and expression is not None:
            label, self.unnamed = str(self.unnamed), self.unnamed + 1
        previous = self.found[-1] if self.found else ""
        before = prefix or (previous if isinstance(previous, str) else "")
        if name is not None and expression is None and isinstance(previous, Parameter) and not before:
            message = f"there must be text between two parameters, and there is none before :{label}"
            raise PatternError(message, name.column, f"Give :{label} an expression of its own, as :{label}(\\d+)")
        if sign in ("*", "+") and label and not prefix and not suffix:
            message = f'"{sign}" repeats a part with what stands between its copies, and here that is nothing'
            assert modifier is not None
            raise PatternError(message, modifier.column, f"Put a slash before it, as /:{label}{sign}")
        if not label and not prefix and not suffix:
            raise PatternError("the braces are empty", column)
        text, begin = (expression.text, expression.column + 1) if expression is not None else ("", 0)
        self.found.append(Parameter(label, prefix, suffix, text, sign, before, column, begin))


def _unexpected(token: _Token, message: str = "") -> PatternError:
    if token.kind == "modifier":
        message = f'"{token.text}" has nothing before it to repeat'
        return PatternError(message, token.column, f"Write \\{token.text} for the character itself.")
    if token.kind == "close":
        return PatternError('"}" closes nothing', token.column, "Write \\} for a brace that belongs to the path.")
    return PatternError(message or f'"{token.text}" can\'t stand here', token.column)
