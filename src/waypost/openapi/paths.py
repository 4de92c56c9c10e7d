"""Folders → the paths of an OpenAPI document: `[id]` is `{id}`, `[[...slug]]` is a path without it and one with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from waypost.routing.pattern import CATCH_ALL, Segment, encode_segment

_VERSION: Final = re.compile(r"v[0-9]+(?:[._-][0-9]+)*")


@dataclass(frozen=True, slots=True)
class DocumentedPath:
    """One path.

    segments: what it is made of. params: the names of its parameters, in order. several: the one of them that takes
    more than one segment.
    """

    path: str
    segments: tuple[Segment, ...]
    params: tuple[str, ...]
    several: str | None

    @property
    def tag(self) -> str | None:
        """The folder that the path belongs to: the first that is neither `api` nor a version."""
        names = [segment.name for segment in self.segments if segment.kind == "static"]
        telling = [name for name in names if name.lower() != "api" and not _VERSION.fullmatch(name.lower())]
        return telling[0] if telling else names[-1] if names else None

    def operation_id(self, verb: str) -> str:
        """`getApiPostsById` for GET of `/api/posts/{id}`."""
        words = [verb.lower()]
        for segment in self.segments:
            if segment.kind != "static":
                words.append("by")
            words += [word for word in re.split(r"[\W_]+", segment.name) if word]
        first, *others = words
        return first + ("".join(word[0].upper() + word[1:] for word in others) or "Root")


def documented_paths(segments: Sequence[Segment], *, trailing_slash: bool = False) -> list[DocumentedPath]:
    """The paths of one route file: one, or two where its last folder is an optional catch-all."""
    segments = tuple(segments)
    found = [_documented(segments, trailing_slash)]
    if segments and segments[-1].kind == "optional-catch-all":
        found.insert(0, _documented(segments[:-1], trailing_slash))
    return found


def _documented(segments: tuple[Segment, ...], trailing_slash: bool) -> DocumentedPath:
    parts = [encode_segment(part.name) if part.kind == "static" else f"{{{part.name}}}" for part in segments]
    path = "/" + "/".join(parts)
    # The last segment decides as it does for requests: a name with a dot is a file.
    if trailing_slash and segments and not (segments[-1].kind == "static" and "." in segments[-1].name):
        path += "/"
    params = tuple(part.name for part in segments if part.kind != "static")
    several = next((part.name for part in segments if part.kind in CATCH_ALL), None)
    return DocumentedPath(path, segments, params, several)
