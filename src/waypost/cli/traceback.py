"""A short traceback: the frames of the project and the error, without the frames of the framework and of libraries.

The place where a library failed is the line of the project that called it; the library's own last frame is named, not
shown. For `waypost dev`; production logs keep the whole traceback.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from waypost.cli.terminal import short_path
from waypost.routing.importing import is_project_file

DEPTH = 5  # errors that cause one another, and errors of a group inside a group


def render_traceback(error: BaseException, root: Path) -> Text:
    """Render `error` and what caused it; the error itself comes last, as in Python. root: the folder of the project."""
    text = Text()
    _render(traceback.TracebackException.from_exception(error, compact=True), root, text, DEPTH)
    return text


def _render(trace: traceback.TracebackException, root: Path, text: Text, depth: int) -> None:
    before = trace.__cause__ or (None if trace.__suppress_context__ else trace.__context__)
    if before is not None and depth:
        _render(before, root, text, depth - 1)
        text.append("which led to\n", "dim")
    for frame in _project_frames(trace.stack, root):
        text.append(f"  {short_path(Path(frame.filename), root)}:{frame.lineno}", "cyan").append(f" in {frame.name}\n")
        text.append(f"    {frame.line}\n" if frame.line else "")
    last = trace.stack[-1] if trace.stack else None
    if last is not None and not _is_project(last, root):
        text.append(f"  raised in {Path(last.filename).name}:{last.lineno} in {last.name}\n", "dim")
    # A group's own lines come from its members, below.
    for line in trace.format_exception_only():
        text.append(line, "red")
    for inner in (trace.exceptions or ()) if depth else ():
        text.append("one of its errors:\n", "dim")
        _render(inner, root, text, depth - 1)


def _project_frames(stack: traceback.StackSummary, root: Path) -> Iterator[traceback.FrameSummary]:
    repeated = 0
    previous: tuple[str, int | None] | None = None
    for frame in stack:
        if not _is_project(frame, root):
            continue
        place = (frame.filename, frame.lineno)
        repeated = repeated + 1 if place == previous else 0
        previous = place
        # An endless recursion has a thousand frames of one line.
        if repeated < 2:
            yield frame


def _is_project(frame: traceback.FrameSummary, root: Path) -> bool:
    return is_project_file(Path(frame.filename), root)
