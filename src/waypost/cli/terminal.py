"""The consoles that commands print on.

rich leaves colours out by itself where the stream is no terminal or NO_COLOR is set.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console


def open_console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is: no guessed highlighting, no markup, no emoji codes.

    A path such as `app/[id]/route.py` would otherwise be read as markup.
    """
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def short_path(path: Path, root: Path | None = None) -> str:
    """`path` as seen from `root` (default: the current folder), or whole when it lies elsewhere."""
    try:
        return str(path.relative_to(root or Path.cwd()))
    except ValueError:
        return str(path)
