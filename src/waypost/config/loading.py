"""The settings of a project, read once at start-up: pyproject.toml, the environment, what a caller overrides.

Strongest first: command line, environment (which `.env` files have joined by then), pyproject.toml, default.
Reads no .env file, imports nothing of the project and knows no command.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from waypost.config.table import PREFIX, SETTINGS, Config, Mode
from waypost.errors import StartupError, StartupErrors


def load_config(
    root: Path | str,
    mode: Mode = "production",
    overrides: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    places: Mapping[str, tuple[Path, int]] | None = None,
) -> Config:
    """Read the settings of the project in `root`.

    overrides: field name to value, from command-line options or a test; a None is no override. A str is read as text.
    environ: instead of `os.environ`. places: where a variable was written, for errors (`environment.LoadedEnv.places`).
    Raises StartupError, or StartupErrors with everything that is wrong.
    """
    root = Path(root).resolve()
    values: dict[str, Any] = {}
    errors: list[StartupError] = []
    readers = (
        _from_pyproject(root / "pyproject.toml"),
        _from_environ(os.environ if environ is None else environ, places or {}),
        _from_overrides(overrides or {}),
    )
    for reader in readers:
        for found in reader:
            if isinstance(found, StartupError):
                errors.append(found)
            else:
                values[found[0]] = found[1]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise StartupErrors(errors)
    return Config(root=root, mode=mode, **values)


Found = tuple[str, object] | StartupError


def _from_pyproject(file: Path) -> Iterator[Found]:
    import tomllib

    try:
        text = file.read_text(encoding="utf-8")
        tool = tomllib.loads(text).get("tool")
    except FileNotFoundError:
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        where = re.search(r"at line (\d+)", str(error))
        yield StartupError(f"this file is not TOML: {error}", file=file, line=int(where[1]) if where else None)
        return
    table = tool.get("waypost", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        yield StartupError("[tool.waypost] must be a table", file=file, line=_line_of(text, "waypost"))
        return
    seen: dict[str, str] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        line = _line_of(text, key)
        if name not in SETTINGS:
            yield StartupError(f'there is no setting "{key}"', file=file, line=line, remedy=_nearest(name))
            continue
        if name in seen:
            yield StartupError(f'"{key}" and "{seen[name]}" are the same setting', file=file, line=line)
        seen[name] = key
        try:
            yield name, SETTINGS[name].kind.read(value, False)
        except ValueError as error:
            # A table is not repeated: its error says which part of it is meant.
            shown = "" if isinstance(value, list | dict) and "{" in str(value) else f", not {_shown(value)}"
            yield StartupError(f"{key} {error}{shown}", file=file, line=line)


def _from_environ(environ: Mapping[str, str], places: Mapping[str, tuple[Path, int]]) -> Iterator[Found]:
    for name, setting in SETTINGS.items():
        for variable in (PREFIX + name.upper(), setting.variable):
            # An empty variable is how a shell or a compose file says "not set".
            if variable and environ.get(variable):
                file, line = places.get(variable, (None, None))
                try:
                    yield name, setting.kind.read(environ[variable], True)
                except ValueError as error:
                    message = f"the variable {variable} {error}, not {_shown(environ[variable])}"
                    yield StartupError(message, file=file, line=line)
                break
    for variable in environ:
        # Other modules and other programs have variables of this prefix; only a near miss of ours is a mistake.
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and name not in SETTINGS and (remedy := _nearest(name, PREFIX, cutoff=0.85)):
            file, line = places.get(variable, (None, None))
            yield StartupError(f"there is no setting {variable}", file=file, line=line, remedy=remedy)


def _from_overrides(overrides: Mapping[str, object]) -> Iterator[Found]:
    for name, value in overrides.items():
        if name not in SETTINGS:
            yield StartupError(f'there is no setting "{name}"', remedy=_nearest(name))
        elif value is not None:
            try:
                yield name, SETTINGS[name].kind.read(value, isinstance(value, str))
            except ValueError as error:
                yield StartupError(f"{name} {error}, not {_shown(value)}")


def _nearest(name: str, prefix: str = "", cutoff: float = 0.6) -> str:
    import difflib

    near = difflib.get_close_matches(name, SETTINGS, n=1, cutoff=cutoff)
    if near:
        return f"Did you mean {prefix}{near[0].upper() if prefix else near[0]}?"
    return "" if prefix else "docs/configuration.md lists every setting."


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _line_of(text: str, key: str) -> int | None:
    """Find the line on which the TOML `key` of [tool.waypost] stands; tomllib does not tell.

    A dotted or inline spelling of the table is found by the key alone. None when nothing looks like it.
    """
    name = re.escape(key)
    assignment = re.compile(rf"""^(?:[\w"'.\s-]*\.)?\s*["']?{name}["']?\s*[=.]|[{{,]\s*["']?{name}["']?\s*=""")
    table = ""
    fallback: int | None = None
    for index, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = re.sub(r"[\s\"'\[\]]", "", stripped.partition("#")[0])
            if table in ("tool.waypost", f"tool.waypost.{key}"):
                fallback = index
        if assignment.search(stripped) and (table == "tool.waypost" or "waypost" in stripped):
            return index
    return fallback
