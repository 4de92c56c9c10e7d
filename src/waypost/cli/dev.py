"""`waypost dev`: serve the project on this machine and follow every change of its files.

The server, its port and its connections stay; the application behind them is replaced. A request is answered by the
application it began with, so that no change loses one.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from waypost.app.application import Application
from waypost.cli.dev_log import log_to, print_request
from waypost.cli.generations import Generations
from waypost.cli.main import BEGAN, folder_argument
from waypost.cli.project import Project, url_of
from waypost.cli.reload import load_application, settings_for_restart
from waypost.cli.report import print_report, print_warnings
from waypost.cli.routes import routes_table
from waypost.cli.serving import websockets_of
from waypost.cli.terminal import open_console, short_path
from waypost.cli.traceback import render_traceback
from waypost.cli.watch import ProjectWatch
from waypost.config import Config
from waypost.errors import StartupError, StartupErrors
from waypost.http.request import Request
from waypost.server.server import Server
from waypost.server.sockets import listen_tcp, listen_unix
from waypost.server.worker import new_event_loop

LOOPBACK: Final = "127.0.0.1"
# Seconds; nobody waits for a development server, and Ctrl-C has to end it although a page holds a stream open.
GRACE: Final = 1.0
PORTS_TO_TRY: Final = 10


@click.command("dev", short_help="Serve the project and reload it as files change.")
@folder_argument
@click.option("-p", "--port", type=str, help="Port; default 3000, or the next free one.")
@click.option("-H", "--host", type=str, help=f"Address to bind; default {LOOPBACK}, this machine only.")
def command(folder: Path, port: str | None, host: str | None) -> None:
    """Serve the project in FOLDER for development: errors are shown, nothing is cached, changes take effect at once."""
    overrides = {"host": host or LOOPBACK, "port": port}
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_DevServer(folder, overrides, open_console()).run())


class _DevServer:
    """One run of `waypost dev`."""

    config: Config
    generations: Generations
    server: Server

    def __init__(self, root: Path, overrides: Mapping[str, object], console: Console) -> None:
        self.root = root
        self.overrides = overrides
        self.console = console

    async def run(self) -> None:
        """Serve until SIGINT or SIGTERM. Raises StartupError when there is nothing that could be served."""
        log_to(self.console, self.root)
        # First of all, so that a change made while the project loads is seen.
        async with ProjectWatch(self.root, Config(root=self.root).app_dir) as watch:
            await self._serve(watch)

    async def _serve(self, watch: ProjectWatch) -> None:
        application, project = await load_application(self.root, self.overrides)
        self.config = project.config
        self.generations = Generations(application)
        self.server = Server(
            self.generations.handle,
            self.config,
            on_sent=self.generations.sent,
            site=application.site,
            access=self._print_request,
            upgrade=websockets_of(application),
        )
        listener = self._listen()
        stopped = _stop_signal()
        await self.server.start([listener])
        self._print_ready(application, project, listener)
        following = asyncio.create_task(self._follow_changes(watch))
        await stopped.wait()
        following.cancel()
        await self.server.stop(min(GRACE, self.config.shutdown_grace))
        await self.generations.shutdown(GRACE)
        await asyncio.gather(following, return_exceptions=True)

    def _listen(self) -> socket.socket:
        config = self.config
        if config.uds is not None:
            return listen_unix(config.uds, config.backlog)
        # A port that somebody asked for is that port; nobody asked for the default one.
        asked = self.overrides.get("port") is not None or config.port != Config(root=self.root).port
        last = config.port if asked else config.port + PORTS_TO_TRY
        for port in range(config.port, last):
            try:
                return listen_tcp(config.host, port, config.backlog)
            except StartupError:
                self.console.print(Text(f"port {port} is in use", "yellow"))
        return listen_tcp(config.host, last, config.backlog)

    # -- changes

    async def _follow_changes(self, watch: ProjectWatch) -> None:
        try:
            async for changed in watch:
                await self._reload(changed)
        except Exception as error:
            # Serving goes on: the watches of the system may be used up, and that is no reason to stop.
            self.console.print(render_traceback(error, self.root), soft_wrap=True)
            self._warn("files are no longer watched: restart waypost dev to see changes")

    async def _reload(self, changed: set[Path]) -> None:
        began = time.perf_counter()
        try:
            application, project = await load_application(self.root, self.overrides)
        except StartupError as error:
            print_report(error, self.console)
            self._warn("not reloaded: what worked before is served")
            return
        self.generations.replace(application)
        self.server.service.site = application.site
        self.server.service.upgrade = websockets_of(application)
        # Their handlers are old code; a page connects anew, and meets the new one.
        self.server.close_sockets(1012, "The code has changed")
        milliseconds = (time.perf_counter() - began) * 1000
        self.console.print(Text(f"reloaded in {milliseconds:.0f} ms: {self._names(changed)}", "dim"), soft_wrap=True)
        waiting = settings_for_restart(self.config, project.config)
        if waiting:
            self._warn(f"restart waypost dev to apply {', '.join(waiting)}")
        self.config = project.config
        self._print_problems(application, project)

    # -- what is printed

    def _print_ready(self, application: Application, project: Project, listener: socket.socket) -> None:
        milliseconds = (time.perf_counter() - BEGAN) * 1000
        url = url_of(self.config, listener.getsockname())
        self.console.print(
            Text.assemble(("waypost dev", "bold"), f" ready in {milliseconds:.0f} ms on ", (url, "cyan"))
        )
        if project.env.files:
            self.console.print(Text("environment from " + ", ".join(file.name for file in project.env.files), "dim"))
        self.console.print()
        self.console.print(routes_table(application.routes, self.root), soft_wrap=True)
        self.console.print()
        self._print_problems(application, project)

    def _print_problems(self, application: Application, project: Project) -> None:
        print_warnings([*project.env.warnings, *application.warnings], self.console)
        if application.errors:
            print_report(StartupErrors(application.errors), self.console)

    def _print_request(self, request: Request, status: int, size: int, seconds: float, cut: bool) -> None:
        target = f"{request.path}?{request.query_string}" if request.query_string else request.path
        print_request(self.console, request.method, target, status, seconds)

    def _warn(self, message: str) -> None:
        self.console.print(Text(message, "yellow"))

    def _names(self, changed: set[Path]) -> str:
        # Editors write beside the file; what is gone again by now was theirs.
        paths = sorted(path for path in changed if path.exists()) or sorted(changed)
        names = [short_path(path, self.root) for path in paths]
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _stop_signal() -> asyncio.Event:
    """Give an event that SIGINT or SIGTERM sets."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    return stopped
