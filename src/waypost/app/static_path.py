"""The path of a static answer: one spelling for each set of parameters, made from them and not from what was sent.

`/posts/%37` and `/posts/7` are one answer; `/a%2Fb` and `/a/b` are two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from waypost.cache.key import encode_part
from waypost.routing.pattern import Segment


class PathTemplate:
    """Writes the paths of one route.

    segments: those of the route. fixed: the path of a route without parameters, else None. pattern: in the spelling of
    tags, "/posts/[id]".
    """

    __slots__ = ("_base_path", "_slash", "fixed", "pattern", "segments")

    def __init__(self, segments: Sequence[Segment], base_path: str, *, trailing_slash: bool) -> None:
        self.segments = tuple(segments)
        self._base_path = base_path
        self._slash = trailing_slash
        self.pattern = "/" + "/".join(
            encode_part(segment.name) if segment.kind == "static" else segment.text for segment in self.segments
        )
        self.fixed = self.pattern if all(segment.kind == "static" for segment in self.segments) else None

    def of(self, params: Mapping[str, Any]) -> str:
        """The path for these decoded parameters, without base path."""
        if self.fixed is not None:
            return self.fixed
        parts: list[str] = []
        for segment in self.segments:
            if segment.kind == "static":
                parts.append(encode_part(segment.name))
            elif segment.kind == "param":
                parts.append(encode_part(params[segment.name]))
            else:
                parts.extend(map(encode_part, params.get(segment.name, ())))
        return "/" + "/".join(parts)

    def visible(self, path: str) -> str:
        """What `request.path` is for it."""
        if self._slash and path != "/" and "." not in path.rpartition("/")[2]:
            path += "/"
        return self._base_path + path if path != "/" or not self._base_path else self._base_path

    def check(self, params: object) -> dict[str, Any]:
        """Parameters as generate_static_params gives them → as a handler gets them. Raises ValueError."""
        if not isinstance(params, Mapping):
            raise ValueError(f"it gave {params!r}, which is no dict of parameters")
        wanted: dict[str, Any] = {}
        for segment in self.segments:
            if segment.kind == "static":
                continue
            value = params.get(segment.name)
            if segment.kind == "param":
                wanted[segment.name] = _one(value, segment.name)
            elif value or segment.kind == "catch-all":
                wanted[segment.name] = _many(value, segment.name)
        unknown = [name for name in params if name not in {segment.name for segment in self.segments}]
        if unknown:
            raise ValueError(f"it gave the parameter {unknown[0]!r}, which {self.pattern} has not")
        return wanted


def _one(value: object, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError(f"the parameter {name!r} must be a text that is not empty, not {value!r}")
    return str(value)


def _many(value: object, name: str) -> list[str]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"the parameter {name!r} must be a list of texts, not {value!r}")
    return [_one(item, name) for item in value]
