"""Text with parameters in it: `/new/:path*`, `max-age=:seconds`; the other half of a path pattern.

Only names that the pattern knows are parameters, so that `https://host:8080` and `a: b` stay what they are.
Source: Next.js, `destination` of redirects and rewrites, keys and values of headers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeAlias

Values: TypeAlias = Mapping[str, str | Sequence[str]]

_PLACE: Final = re.compile(r"\\(?P<escaped>[\\:*+?(){}])|(?P<slash>/?):(?P<name>[0-9A-Za-z_]+)(?P<modifier>[*+?]?)")


def _as_it_is(value: str) -> str:
    return value


class Template:
    """A text made of constants and parameters.

    names: the parameters that are filled in. unknown: what looks like a parameter and is none of them.
    used: the parameters that occur.
    """

    __slots__ = ("_pieces", "constant", "unknown", "used")

    def __init__(self, text: str, names: Collection[str] = ()) -> None:
        pieces: list[str | tuple[str, str]] = []
        unknown: list[str] = []
        used: set[str] = set()
        plain, at = "", 0
        for found in _PLACE.finditer(text):
            plain += text[at : found.start()]
            at = found.end()
            if found["escaped"]:
                plain += found["escaped"]
            elif found["name"] in names:
                pieces += [plain, (found["name"], found["slash"])]
                plain = ""
                used.add(found["name"])
            else:
                if not found["name"].isdigit():
                    unknown.append(found["name"])
                plain += found[0]
        self._pieces = (*pieces, plain + text[at:])
        self.unknown = tuple(unknown)
        self.used = frozenset(used)
        #: The text, when no parameter is in it.
        self.constant = plain + text[at:] if not pieces else None

    def fill(self, values: Values, encode: Callable[[str], str] = _as_it_is) -> str:
        """The text with `values` in it; a parameter without one is left out together with the slash before it."""
        if self.constant is not None:
            return self.constant
        out: list[str] = []
        for piece in self._pieces:
            if isinstance(piece, str):
                out.append(piece)
                continue
            name, slash = piece
            value = values.get(name)
            if value:
                items = (value,) if isinstance(value, str) else value
                out.append(slash + "/".join(map(encode, items)))
        return "".join(out)

    def __repr__(self) -> str:
        return f"Template({''.join(p if isinstance(p, str) else f'{p[1]}:{p[0]}' for p in self._pieces)!r})"
