"""instrumentation.py of a project: `register()` once a worker, `on_request_error()` for every bug.

`register()` may be a generator: what follows its `yield` runs when the worker stops.
`validation_error(error, request)` shapes the answer to a request that does not fit its schema.

Source: Next.js, instrumentation.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any, Final

from waypost.app.binding import is_async, line_of
from waypost.config import Config
from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.routing.load import load_module

log = logging.getLogger("waypost")

#: Hook → what it is called with.
_HOOKS: Final = {
    "register": (),
    "on_request_error": ("error", "request", "context"),
    "validation_error": ("error", "request"),
}


class Instrumentation:
    """The hooks of the project; does nothing where it has none.

    Raises StartupError for a file that can't be imported or a hook that can't be called.
    """

    def __init__(self, config: Config) -> None:
        self._register: Callable[[], Any] | None = None
        self._on_error: Callable[[BaseException, Request, dict[str, Any]], Any] | None = None
        self._lifetime: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        self.validation_error: Callable[..., Any] | None = None
        self._most = config.max_pending_after
        self._tasks: set[asyncio.Future[Any]] = set()
        file = config.source_dir / "instrumentation.py"
        if not file.is_file():
            return
        module = load_module(file, config.app_dir)
        self._register, self._on_error, _ = (_hook(module, name, file) for name in _HOOKS)
        self.validation_error = validation_hook(module, file)
        if self._register is None and self._on_error is None and self.validation_error is None:
            raise StartupError(
                "instrumentation.py has neither register nor on_request_error nor validation_error",
                file=file,
                remedy="Write `def register():` or `def on_request_error(error, request, context):`.",
            )

    async def register(self) -> None:
        """Run the project's `register()`, up to its `yield` if it has one. What it raises stops the worker.

        What follows the `yield` runs in `close`.
        """
        value = None if self._register is None else self._register()
        if isinstance(value, AsyncGenerator | Generator):
            opened = asyncio.Event()
            self._lifetime = asyncio.get_running_loop().create_task(_live(value, opened, self._ending))
            waiter = asyncio.ensure_future(opened.wait())
            await asyncio.wait((self._lifetime, waiter), return_when=asyncio.FIRST_COMPLETED)
            waiter.cancel()
            if self._lifetime.done():
                await self._lifetime
        elif inspect.isawaitable(value):
            await value

    async def close(self, grace: float) -> None:
        """Run what follows the `yield` of `register()`, `grace` seconds at most. What it raises is logged."""
        lifetime, self._lifetime = self._lifetime, None
        if lifetime is None:
            return
        self._ending.set()
        await asyncio.wait((lifetime,), timeout=grace)
        if not lifetime.done():
            lifetime.cancel()
            log.error("register() did not end within what was left of shutdown_grace")
        elif not lifetime.cancelled() and (error := lifetime.exception()) is not None:
            log.error("register() failed at the end", exc_info=error)

    def report(self, error: BaseException, request: Request, route: str | None, error_id: str) -> None:
        """Hand a bug to the project's `on_request_error`; the answer does not wait for it.

        route: the pattern of the route ("/posts/[id]"), None where the bug is in middleware that ran before one was
        found. context: route_path (that pattern), route_type ("route" or "middleware"), router_kind, error_id (the id
        in the answer and the log). A plain function runs in a worker thread.
        """
        hook = self._on_error
        if hook is None:
            return
        if len(self._tasks) >= self._most:
            log.error("on_request_error is too slow: %d reports wait, that of %s is left out", self._most, error_id)
            return
        context = {
            "router_kind": "App Router",
            "route_path": route,
            "route_type": "route" if route is not None else "middleware",
            "error_id": error_id,
        }
        task = asyncio.get_running_loop().create_task(_call(hook, error, request, context))
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("on_request_error failed", exc_info=error)

    async def drain(self, grace: float) -> None:
        """Wait for reports that are under way, `grace` seconds at most."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace)


async def _live(
    register: AsyncGenerator[Any, None] | Generator[Any, None, None], opened: asyncio.Event, ending: asyncio.Event
) -> None:
    """One task from beginning to end, which is what task groups and cancel scopes ask of the code around a `yield`."""
    if isinstance(register, AsyncGenerator):
        async for _ in register:
            opened.set()
            await ending.wait()
    else:
        for _ in register:
            opened.set()
            await ending.wait()


async def _call(hook: Callable[..., Any], *arguments: object) -> None:
    if is_async(hook):
        await hook(*arguments)
        return
    # It may send the report with a client that blocks.
    run = partial(contextvars.copy_context().run, hook, *arguments)
    value = await asyncio.get_running_loop().run_in_executor(None, run)
    if inspect.isawaitable(value):
        await value


def validation_hook(module: object, file: Path) -> Callable[..., Any] | None:
    """The function `validation_error` of a module. Raises StartupError for one that can't be called so."""
    hook = _hook(module, "validation_error", file)
    if hook is not None and is_async(hook):
        raise StartupError(
            "validation_error is async",
            file=file,
            line=line_of(hook),
            remedy="Write `def validation_error(error, request):`; it only shapes an answer.",
        )
    return hook


def _hook(module: object, name: str, file: Path) -> Callable[..., Any] | None:
    hook = getattr(module, name, None)
    if hook is None:
        return None
    form = f"def {name}({', '.join(_HOOKS[name])}):"
    if not callable(hook):
        raise StartupError(f"{name} is no function", file=file, remedy=f"Write `{form}` or remove it.")
    try:
        inspect.signature(hook).bind(*_HOOKS[name])
    except TypeError as error:
        message = f"{name} can't be called as `{form[4:-1]}`: {error}"
        raise StartupError(message, file=file, line=line_of(hook), remedy=f"Write `{form}`.") from None
    except ValueError:
        pass  # a function of C that does not say what it takes
    return hook  # type: ignore[no-any-return]  # checked above
