"""instrumentation.py of a project: `register()` once a worker, `on_request_error()` for every bug.

Source: Next.js, instrumentation.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any

from waypost.config import Config
from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.routing.load import load_module

log = logging.getLogger("waypost")


class Instrumentation:
    """The hooks of the project; does nothing where it has none.

    Raises StartupError for a file that can't be imported or a hook that can't be called.
    """

    def __init__(self, config: Config) -> None:
        self._register: Callable[[], Any] | None = None
        self._on_error: Callable[[BaseException, Request, dict[str, Any]], Any] | None = None
        self._tasks: set[asyncio.Future[Any]] = set()
        file = config.app_dir.parent / "instrumentation.py"
        if not file.is_file():
            return
        module = load_module(file, config.app_dir)
        self._register = getattr(module, "register", None)
        self._on_error = getattr(module, "on_request_error", None)
        for name, hook in (("register", self._register), ("on_request_error", self._on_error)):
            if hook is not None and not callable(hook):
                raise StartupError(f"{name} is no function", file=file, remedy=f"Write `def {name}(...)` or remove it.")
        if self._register is None and self._on_error is None:
            raise StartupError(
                "instrumentation.py has neither register nor on_request_error",
                file=file,
                remedy="Write `def register():` or `def on_request_error(error, request, context):`.",
            )

    async def register(self) -> None:
        """Run the project's `register()`; what it raises stops the worker from serving."""
        if self._register is not None:
            value = self._register()
            if inspect.isawaitable(value):
                await value

    def report(self, error: BaseException, request: Request, route: str, error_id: str) -> None:
        """Hand a bug to the project's `on_request_error`; the answer does not wait for it.

        context: route_path ("/posts/[id]"), route_type, router_kind, error_id (the id in the answer and the log).
        """
        if self._on_error is None:
            return
        context = {"router_kind": "App Router", "route_path": route, "route_type": "route", "error_id": error_id}
        try:
            value = self._on_error(error, request, context)
            if inspect.isawaitable(value):
                task = asyncio.ensure_future(value)
                self._tasks.add(task)
                task.add_done_callback(self._finished)
        except Exception:
            log.exception("on_request_error failed")

    def _finished(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("on_request_error failed", exc_info=error)

    async def drain(self, grace: float) -> None:
        """Wait for reports that are under way, `grace` seconds at most."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace)
