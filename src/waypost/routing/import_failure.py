"""Turn an exception that a module raised while it was imported into a report for the person who wrote the module.

Points at the last line of the project that ran, not at the library below it. Prints nothing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType

from waypost.errors import StartupError
from waypost.routing.importing import is_project_file

_LONGEST = 300  # characters of an exception's own text; the whole of it stays in the traceback


def explain_import(error: BaseException, file: Path, root: Path) -> StartupError:
    """Describe why `file` can't be imported.

    root: the project folder. The file and line of the result may be those of another module of the project that
    `file` imports. `__cause__` is the exception itself, with its traceback.
    """
    # "<string>": the text was no file, and the line that compiled it is what can be corrected.
    if isinstance(error, SyntaxError) and error.filename and not error.filename.startswith("<"):
        report = _explain_syntax(error, file)
    else:
        place, line = _last_own_frame(error.__traceback__, root) or (file, None)
        if isinstance(error, StartupError):
            # It was made to be read here: of cors(), say, or of the project's own look at its settings.
            message = error.message
        else:
            message = f"{type(error).__name__}: {_text(error)}" if _text(error) else type(error).__name__
        if isinstance(error, SystemExit):
            message = "the module ends the process while it is imported (SystemExit)"
        if place != file:
            message = f"{message} (imported by {_relative(file, root)})"
        report = StartupError(message, file=place, line=line, remedy=_remedy(error, root))
    report.__cause__ = error
    return report


def _explain_syntax(error: SyntaxError, file: Path) -> StartupError:
    place = Path(error.filename or file)
    text = (error.text or "").rstrip("\r\n")
    message = f"{type(error).__name__}: {error.msg}"
    if text.strip() and error.lineno:
        # Of a wrong indent the blanks are what is to be seen.
        indent = 0 if isinstance(error, IndentationError) else len(text) - len(text.lstrip())
        prefix = f"  {error.lineno} | "
        message += f"\n{prefix}{text[indent:].rstrip()}"
        if error.offset and error.offset > indent:
            width = max((error.end_offset or 0) - error.offset, 1) if error.end_lineno == error.lineno else 1
            width = min(width, max(len(text) - error.offset + 1, 1))
            message += "\n" + " " * (len(prefix) - 2) + "| " + " " * (error.offset - 1 - indent) + "^" * width
    return StartupError(message, file=place, line=error.lineno)


def _last_own_frame(traceback: TracebackType | None, root: Path) -> tuple[Path, int] | None:
    found: tuple[Path, int] | None = None
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        # Names as "<frozen importlib._bootstrap>" would count as files of the current folder.
        if not file.startswith("<") and is_project_file(Path(file), root):
            found = Path(file), traceback.tb_lineno
        traceback = traceback.tb_next
    return found


def _remedy(error: BaseException, root: Path) -> str:
    if isinstance(error, StartupError):
        return error.remedy
    if isinstance(error, KeyError) and _is_of_environment(error):
        return f"Set {error.args[0]} in .env, or in the environment."
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    top = error.name.partition(".")[0]
    if (root / top).exists() or (root / f"{top}.py").exists():
        return f"Modules of the project are looked up from {root}: is there a file for {error.name}?"
    if top in sys.stdlib_module_names:
        return "Correct the name."
    return f"Install the package that has {top}, or correct the name; modules of the project stand in {root}."


def _is_of_environment(error: BaseException) -> bool:
    """Whether it was raised by `os.environ[...]`."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_code is type(os.environ).__getitem__.__code__


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # an exception class of the project may have a broken __str__
        return ""
    first = text.strip().partition("\n")[0]
    return first if len(first) <= _LONGEST else first[: _LONGEST - 1] + "…"


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
