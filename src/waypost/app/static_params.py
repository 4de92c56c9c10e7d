"""generate_static_params(): called once, its parameters checked and turned into paths.

Source: Next.js, generateStaticParams: it runs at build, and not again when its answers are revalidated.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterable, Callable, Iterable
from pathlib import Path
from typing import Any

from waypost.app.chain import is_async
from waypost.app.static_path import PathTemplate
from waypost.errors import StartupError


class StaticParams:
    """The generated parameters of one route.

    known: path → parameters, from a build; without one they are generated at the first question.
    """

    __slots__ = ("_file", "_generate", "_known", "_running", "_template")

    def __init__(self, generate: Callable[..., Any], template: PathTemplate, file: Path) -> None:
        self._generate = generate
        self._template = template
        self._file = file
        self._known: frozenset[str] | None = None
        self._running: asyncio.Task[dict[str, dict[str, Any]]] | None = None

    def know(self, paths: Iterable[str]) -> None:
        """Take the paths of a build."""
        self._known = frozenset(paths)

    async def paths(self) -> frozenset[str]:
        """All generated paths. Raises what the project's function raises; the next question then tries again."""
        if self._known is None:
            if self._running is None:
                self._running = asyncio.ensure_future(self.generate())
            task = self._running
            try:
                self._known = frozenset(await asyncio.shield(task))
            finally:
                if task.done() and self._running is task:
                    self._running = None
        return self._known

    async def generate(self) -> dict[str, dict[str, Any]]:
        """Call the project's function: path → parameters, each path once.

        Raises StartupError for what are no parameters of this route.
        """
        if is_async(self._generate):
            value = await self._generate()
        elif inspect.isasyncgenfunction(self._generate):
            value = self._generate()
        else:
            value = await asyncio.to_thread(self._generate)
            if inspect.isawaitable(value):
                value = await value
        if isinstance(value, AsyncIterable):
            value = [item async for item in value]
        if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
            raise self._refuse(f"it returned {type(value).__name__}, not a list of dicts")
        found: dict[str, dict[str, Any]] = {}
        for item in value:
            try:
                params = self._template.check(item)
            except ValueError as error:
                raise self._refuse(str(error)) from None
            found[self._template.of(params)] = params
        return found

    def _refuse(self, what: str) -> StartupError:
        code = getattr(self._generate, "__code__", None)
        return StartupError(
            f"generate_static_params: {what}",
            file=self._file,
            line=code.co_firstlineno if code is not None else None,
            remedy=f"Return a list of dicts with the parameters of {self._template.pattern}.",
        )
