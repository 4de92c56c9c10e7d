"""`waypost start`: serve the project in production.

One worker serves in this process; more of them, or anything that replaces workers, are processes under a supervisor.
Every setting is an option of the command. Prints without rich: it would be most of the time to the first answer.
"""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from waypost.cli.main import BEGAN, folder_argument
from waypost.cli.project import open_project, url_of
from waypost.config import SETTINGS, Config
from waypost.setting import FLAG, Setting

SHORT: Final = {"port": ("-p",), "host": ("-H",), "workers": ("-w",), "uds": ("--unix",)}
FACTORY: Final = "waypost.cli.serving:make_supervised_serving"


def _setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each setting, in the order of the table."""
    for name, setting in reversed(list(SETTINGS.items())):
        text = setting.doc.replace("`", "")
        option = "--" + name.replace("_", "-")
        if setting.kind is FLAG:
            # Without a default it stays None when it is not given, and the settings of the project count.
            add = click.option(f"{option}/--no-{option[2:]}", name, default=None, help=text)
        else:
            add = click.option(*SHORT.get(name, ()), option, name, metavar=_metavar(setting), help=text)
        command = add(command)
    return command


def _metavar(setting: Setting) -> str:
    """`SIZE`, `NUMBER|AUTO`: the kind without its unit, which the help would break lines for."""
    return setting.kind.name.partition(" in ")[0].replace('"', "").replace(" or ", "|").upper()


@click.command("start", short_help="Serve the project in production.")
@folder_argument
@_setting_options
def command(folder: Path, **overrides: Any) -> None:
    """Serve the project in FOLDER.

    SIGTERM and SIGINT stop it when running requests are finished. SIGHUP replaces the workers one after the other
    where there are several, and is ignored where there is one.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    project = open_project(folder, "production", given)
    for warning in project.env.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    config = project.config
    sockets = _listen(config)
    on_ready = partial(_print_ready, config, sockets[0].getsockname())
    serve = _serve_here if _one_process(config) else _serve_supervised
    sys.exit(serve(config, given, sockets, on_ready))


def _one_process(config: Config) -> bool:
    replaces = config.max_requests or config.worker_memory_limit or config.status_port
    return config.workers == 1 and not replaces


def _listen(config: Config) -> list[socket.socket]:
    from waypost.server.sockets import listen_tcp, listen_unix, systemd_sockets

    inherited = systemd_sockets()
    if inherited:
        return inherited
    if config.uds is not None:
        return [listen_unix(config.uds, config.backlog)]
    return [listen_tcp(config.host, config.port, config.backlog)]


def _serve_here(
    config: Config, given: dict[str, Any], sockets: list[socket.socket], on_ready: Callable[[], None]
) -> int:
    from waypost.cli.serving import make_serving
    from waypost.server.logs import set_up
    from waypost.server.worker import run

    set_up(config.log_format)
    interactive = sys.stdin is not None and sys.stdin.isatty()
    if hasattr(signal, "SIGHUP") and not interactive:
        # A service manager means "reload", which takes a second process; to end is not what it asked for. Where a
        # person started it, the closed terminal still ends it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return run(make_serving(str(config.root), given), sockets, on_ready=on_ready)


def _serve_supervised(
    config: Config, given: dict[str, Any], sockets: list[socket.socket], on_ready: Callable[[], None]
) -> int:
    from waypost.server.logs import set_up
    from waypost.server.supervisor import serve

    set_up(config.log_format)
    return serve(
        FACTORY,
        {"root": str(config.root), "overrides": given},
        sockets,
        count=config.workers,
        grace=config.shutdown_grace,
        status=(config.status_host, config.status_port) if config.status_port else None,
        on_ready=on_ready,
    )


def _print_ready(config: Config, address: object) -> None:
    milliseconds = (time.perf_counter() - BEGAN) * 1000
    workers = f"{config.workers} worker{'s' if config.workers > 1 else ''}"
    print(f"waypost start ready in {milliseconds:.0f} ms on {url_of(config, address)}, {workers}", flush=True)
