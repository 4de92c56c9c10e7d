"""What went wrong, for development: an exception, what caused it, and where in the sources. Knows no HTML, no JSON."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from waypost.errors import StartupError, StartupErrors
from waypost.routing.importing import is_project_file

_CONTEXT_LINES: Final = 4
_MAX_FRAMES: Final = 50
_MAX_PARTS: Final = 10  # an error and what it was caused by, together
_FRAMEWORK: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a source file. mark: the columns that were running, of the lines that failed."""

    number: int
    text: str
    failed: bool
    mark: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A call. file: from the project's folder on, where it is in there. own: whether it is the project's code."""

    file: str
    line: int
    function: str
    own: bool
    lines: tuple[Line, ...]

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" + (f" in {self.function}" if self.function else "")


@dataclass(frozen=True, slots=True)
class Part:
    """One exception of those that led to an answer. relation: to the part before it. frames: outermost first."""

    relation: str
    title: str
    message: str
    remedy: str
    frames: tuple[Frame, ...]


def parts_of(error: BaseException, root: Path) -> list[Part]:
    """`error`, then what caused it, then the errors of groups; ten at most. root: the folder of the project."""
    found: list[Part] = []
    for relation, one in _related(error):
        found.extend(_parts(relation, one, root))
        if len(found) >= _MAX_PARTS:
            break
    return found[:_MAX_PARTS]


def _related(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """The error and those that belong to it, each once, with their relation."""
    waiting: list[tuple[str, BaseException]] = [("", error)]
    seen: set[int] = set()
    while waiting:
        relation, one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield relation, one
        if isinstance(one, StartupError):
            continue  # it says all that there is to say of its cause
        if one.__cause__ is not None:
            waiting.append(("caused by", one.__cause__))
        elif one.__context__ is not None and not one.__suppress_context__:
            waiting.append(("raised while handling", one.__context__))
        if isinstance(one, BaseExceptionGroup):
            waiting.extend(("one of its errors", inner) for inner in one.exceptions)


def _parts(relation: str, error: BaseException, root: Path) -> Iterator[Part]:
    if isinstance(error, StartupErrors):
        for one in error.errors:
            yield from _parts(relation, one, root)
        return
    if isinstance(error, StartupError):
        frames = (_frame(str(error.file), error.line or 1, "", root),) if error.file is not None else ()
        yield Part(relation, "This route can't be used", error.message, error.remedy, frames)
        return
    stack = traceback.extract_tb(error.__traceback__, limit=-_MAX_FRAMES)
    calls = [call for call in stack if not _is_machinery(call.filename)] or stack[-1:]
    message = "\n".join([str(error), *getattr(error, "__notes__", ())]).strip()
    yield Part(relation, type(error).__name__, message, "", tuple(_called(call, root) for call in calls))


def _is_machinery(file: str) -> bool:
    return file.startswith("<frozen ") or Path(file).is_relative_to(_FRAMEWORK)


def _called(call: traceback.FrameSummary, root: Path) -> Frame:
    line = call.lineno or 1
    columns = (call.colno, call.end_colno) if call.end_lineno == line else (None, None)
    return _frame(call.filename, line, call.name, root, columns)


def _frame(
    file: str, line: int, function: str, root: Path, columns: tuple[int | None, int | None] = (None, None)
) -> Frame:
    path = Path(file)
    linecache.checkcache(file)  # it may have been changed since its last error
    own = not file.startswith("<") and is_project_file(path, root)
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else file
    rows = [
        Line(number, text, number == line, _mark(text, columns) if number == line else None)
        for number in range(max(1, line - _CONTEXT_LINES), line + _CONTEXT_LINES + 1)
        if (text := linecache.getline(file, number).rstrip("\n")) or number <= line
    ]
    return Frame(shown, line, function, own, tuple(rows))


def _mark(text: str, columns: tuple[int | None, int | None]) -> tuple[int, int] | None:
    """Characters of `text` for columns, which Python counts in bytes of UTF-8; None for the whole of the line."""
    start, end = columns
    if start is None or end is None:
        return None
    data = text.encode()
    first, last = len(data[:start].decode("utf-8", "replace")), len(data[:end].decode("utf-8", "replace"))
    return (first, last) if text[first:last].strip() != text.strip() else None
