"""`.env` files, loaded as Next.js loads them: which files, which wins, and `$NAME` inside values.

Strongest first: the environment as it was, `.env.{mode}.local`, `.env.local` (not for tests), `.env.{mode}`, `.env`.
`load_env` is the only place that writes `os.environ`; a command calls it once, before the settings are read.
Source: Next.js, guide "Environment Variables". Parsing is python-dotenv's; expansion is ours, because python-dotenv
knows neither `$NAME` nor `\\$`. Knows no setting of Waypost.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

from waypost.errors import StartupError, StartupErrors

NAME: Final = re.compile(r"[\w.-]+", re.ASCII)
REFERENCE: Final = re.compile(
    r"\\\$|\$(?:\{(?P<braced>[A-Za-z_]\w*)(?::-(?P<default>(?:\$\{[^}]*\}|[^}])*))?\}|(?P<plain>[A-Za-z_]\w*))",
    re.ASCII,
)
# Tells a child process (a worker, a reloaded server) which inherited variables came from files and may be replaced:
# name:checksum for each, so that one which the parent set anew for its child is not taken for one of a file.
MARKER: Final = "__WAYPOST_ENV"


def _checksum(value: str) -> str:
    return f"{crc32(value.encode('utf-8', 'surrogateescape')):08x}"


def _inherited() -> dict[str, str]:
    marks = (mark.rpartition(":") for mark in os.environ.get(MARKER, "").split())
    values = {name: (os.environ.get(name), checksum) for name, _, checksum in marks}
    return {name: value for name, (value, sum_) in values.items() if value is not None and _checksum(value) == sum_}


# What load_env wrote: in this process, or in the parent that this one inherited its environment from.
_written = _inherited()


@dataclass(frozen=True, slots=True)
class LoadedEnv:
    """What the files of a project add to the environment.

    files: those that exist, strongest first. values: expanded, without the names that the environment already had.
    places: file and line (from 1) of each name. warnings: sentences for a person, with their place in front.
    """

    files: tuple[Path, ...]
    values: Mapping[str, str]
    places: Mapping[str, tuple[Path, int]]
    warnings: tuple[str, ...]


def env_file_names(mode: str) -> tuple[str, ...]:
    """Name the files that `mode` reads, strongest first.

    mode: "production", "development" or "test". Tests leave `.env.local` out, so that they do not differ by machine.
    """
    if mode == "test":
        return (".env.test.local", ".env.test", ".env")
    return (f".env.{mode}.local", ".env.local", f".env.{mode}", ".env")


def load_env(root: Path | str, mode: str) -> LoadedEnv:
    """Put the variables of the project's files into `os.environ`; a variable that is there already stays.

    A second call replaces what the first one wrote, so that a changed file takes effect. A variable that the program
    has changed since is left alone. Raises StartupError for a file that can't be read; nothing is changed then.
    """
    own = {name for name, value in _written.items() if os.environ.get(name) == value}
    loaded = read_env(root, mode, {name: value for name, value in os.environ.items() if name not in own})
    for name in own - loaded.values.keys():
        del os.environ[name]
    os.environ.update(loaded.values)
    os.environ[MARKER] = " ".join(f"{name}:{_checksum(value)}" for name, value in loaded.values.items())
    _written.clear()
    _written.update(loaded.values)
    return loaded


def read_env(root: Path | str, mode: str, environ: Mapping[str, str]) -> LoadedEnv:
    """Read the project's files without touching the environment; see `load_env`.

    environ: what is already set and therefore wins, in references too.
    """
    files = tuple(path for name in env_file_names(mode) if (path := Path(root) / name).is_file())
    raw: dict[str, str] = {}
    places: dict[str, tuple[Path, int]] = {}
    errors: list[StartupError] = []
    for file in files:
        found: dict[str, tuple[str, int]] = {}
        errors.extend(_parse(file, found))
        for name, (value, line) in found.items():
            if name not in raw and name not in environ:
                raw[name] = value
                places[name] = (file, line)
    expansion = _Expansion(raw, environ, places)
    values = {name: expansion.value_of(name) for name in raw} if not errors else {}
    errors += expansion.errors
    if errors:
        raise errors[0] if len(errors) == 1 else StartupErrors(errors)
    return LoadedEnv(files, values, places, tuple(expansion.warnings))


def _parse(file: Path, found: dict[str, tuple[str, int]]) -> list[StartupError]:
    """Add the raw values of one file to `found` (value, line); within a file the last of a name counts."""
    # Deferred: most starts of a process (a worker in a container) have no such file and need no parser.
    from io import StringIO

    from dotenv.parser import parse_stream

    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return [StartupError(f"this file can't be read: {error}", file=file)]
    errors = []
    for binding in parse_stream(StringIO(text)):
        written = binding.original.string
        # A binding begins with the blank lines above it.
        line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
        if binding.error:
            remedy = "Write NAME=value, with a closing quote and nothing but a comment after it."
            errors.append(StartupError("this line is no variable", file=file, line=line, remedy=remedy))
        elif binding.key is not None and binding.value is not None:
            if not NAME.fullmatch(binding.key) or "\0" in binding.value:
                message = f"{binding.key!r} can't be a variable: a name has letters, digits, _, . and -; a value no NUL"
                errors.append(StartupError(message, file=file, line=line))
            else:
                value = binding.value
                if len(value) > 1 and value[0] == value[-1] == "`":
                    value = value[1:-1]  # the third quote of the format, which python-dotenv does not know
                found[binding.key] = (value, line)
    return errors


class _Expansion:
    """`$NAME`, `${NAME}` and `${NAME:-default}` in the values of `raw`, each name worked out once."""

    def __init__(
        self, raw: Mapping[str, str], environ: Mapping[str, str], places: Mapping[str, tuple[Path, int]]
    ) -> None:
        self.raw = raw
        self.environ = environ
        self.places = places
        self.done: dict[str, str] = {}
        self.open: list[str] = []
        self.warnings: list[str] = []
        self.errors: list[StartupError] = []

    def value_of(self, name: str) -> str:
        if name not in self.done:
            self.open.append(name)
            self.done[name] = self._expand(self.raw[name])
            self.open.pop()
        return self.done[name]

    def _expand(self, text: str) -> str:
        return REFERENCE.sub(self._replace, text) if "$" in text else text

    def _replace(self, match: re.Match[str]) -> str:
        name = match["braced"] or match["plain"]
        if name is None:
            return "$"
        value = self._look_up(name)
        if match["default"] is not None:
            return value or self._expand(match["default"])
        if value is None:
            file, line = self.places[self.open[-1]]
            self.warnings.append(f"{file}:{line}: ${name} is not set and stands for nothing; a dollar sign is \\$")
        return value or ""

    def _look_up(self, name: str) -> str | None:
        if name in self.environ:
            return self.environ[name]
        if name in self.open:
            file, line = self.places[self.open[-1]]
            message = f"the value of {self.open[-1]} needs ${name}, which needs it in turn"
            self.errors.append(StartupError(message, file=file, line=line))
            return ""
        return self.value_of(name) if name in self.raw else None
