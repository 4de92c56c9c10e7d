"""What a command does before its own work: the `.env` files, then the settings. Loads no click: workers use it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from waypost.config import Config, Mode, load_config
from waypost.environment import LoadedEnv, load_env


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


def url_of(config: Config, address: object) -> str:
    """Where a person finds the server. address: the name of its socket, (host, port, …) or a path."""
    if not isinstance(address, tuple):
        return f"unix:{address}"
    scheme = "https" if config.tls_certificate else "http"
    # A server on all addresses is on this one, which a browser understands.
    name = "localhost" if config.host in ("127.0.0.1", "0.0.0.0", "::", "") else config.host
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{address[1]}{config.base_path}"
