"""The answer to an unknown path in development: which routes there are, and which mistakes may be why one is missing.

Used in `waypost dev` only: to a browser a page, to everyone else the usual JSON, with the mistakes if there are any.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Final

from waypost.app.dev_page import dev_page, section_of
from waypost.app.entry import RouteEntry
from waypost.app.error_trace import Part, parts_of
from waypost.app.failures import NO_STORE, is_loopback, unknown_path, wants_html
from waypost.errors import StartupError, StartupErrors
from waypost.http.request import Request
from waypost.http.response import Response

_SHOWN: Final = 50  # routes
_COMPARED: Final = 200  # characters of a path: what it costs grows with their square


class UnknownPage:
    """Answers the paths of a project that nothing else does.

    mistakes: all that are in it, likely ones too, whichever file they are about. root: the folder of the project.
    """

    def __init__(self, routes: Sequence[RouteEntry], mistakes: Sequence[StartupError], root: Path) -> None:
        self._routes = routes
        self._mistakes = mistakes
        self._root = root

    def __call__(self, request: Request) -> Response:
        # As with tracebacks: nothing of the project for a page of another site that resolves to this machine.
        if not is_loopback(request):
            return unknown_path(request)
        headers = {"cache-control": NO_STORE, "vary": "Accept"}
        parts = parts_of(StartupErrors(self._mistakes), self._root) if self._mistakes else []
        if wants_html(request):
            headers["content-type"] = "text/html; charset=utf-8"
            return Response(self._page(request, parts), 404, headers)
        body: dict[str, Any] = {"error": "Not found"}
        if parts:
            body["mistakes"] = [_as_json(part) for part in parts]
        return Response.json(body, 404, headers)

    def _page(self, request: Request, parts: list[Part]) -> str:
        target = f"{request.method} {request.path}"
        nearest = sorted(self._routes, key=lambda entry: _likeness(entry.pattern, request.path), reverse=True)
        left_out = len(nearest) - _SHOWN
        sections = [
            f"<section><h1>404</h1><p class=message>Nothing answers {html.escape(request.path)}</p>",
            self._table(nearest[:_SHOWN]) if nearest else "<p>The project has no routes yet.</p>",
            f"<p>{left_out} more are listed by <code>waypost routes</code>.</p>" if left_out > 0 else "",
            "</section>",
            *(section_of(replace(part, title="A mistake in the project")) for part in parts),
        ]
        text = "\n".join([f"404 {target}", *(entry.pattern for entry in nearest), *map(str, self._mistakes)])
        return dev_page(f"404: {target}", sections, {"Request": target}, text)

    def _table(self, entries: Iterable[RouteEntry]) -> str:
        rows = [self._row(entry) for entry in entries]
        return f"<table><tr><th>Path</th><th>Methods</th><th>File</th></tr>{''.join(rows)}</table>"

    def _row(self, entry: RouteEntry) -> str:
        escape = html.escape
        file = entry.file.relative_to(self._root).as_posix()
        named = [verb for verb in entry.methods if verb not in ("HEAD", "OPTIONS")]
        verbs = "can't be used" if entry.error is not None else ", ".join(named) or entry.allow
        kind = " class=wrong" if entry.error is not None else ""
        return f"<tr{kind}><td>{escape(entry.pattern)}</td><td>{escape(verbs)}</td><td>{escape(file)}</td></tr>"


def _likeness(pattern: str, path: str) -> float:
    return SequenceMatcher(None, pattern, path[:_COMPARED], autojunk=False).ratio()


def _as_json(part: Part) -> dict[str, str]:
    found = {"place": part.frames[0].place if part.frames else "", "message": part.message, "remedy": part.remedy}
    return {name: value for name, value in found.items() if value}
