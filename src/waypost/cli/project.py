"""What a command does before its own work: the `.env` files, then the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from waypost.config import Config, Mode, load_config
from waypost.environment import LoadedEnv, load_env

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Project:
    """A folder that a command works on."""

    config: Config
    env: LoadedEnv


def open_project(folder: Path, mode: Mode, overrides: Mapping[str, object] | None = None) -> Project:
    """Load the environment and the settings of the project in `folder`.

    overrides: settings from the command line; a None is no override. Raises StartupError or StartupErrors.
    """
    root = folder.resolve()
    env = load_env(root, mode)
    return Project(load_config(root, mode, overrides, places=env.places), env)


def folder_argument(command: F) -> F:
    """Give a command the optional argument FOLDER, as `folder: Path`."""
    kind = click.Path(path_type=Path, exists=True, file_okay=False)
    return click.argument("folder", type=kind, default=Path())(command)
