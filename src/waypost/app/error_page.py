"""The answer to a bug in development: what went wrong with source lines, as HTML to a browser, as JSON to others.

Used in `waypost dev` only; production never imports a source line into an answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from waypost.app.dev_page import dev_page, section_of
from waypost.app.error_trace import Part, parts_of
from waypost.http.request import Request
from waypost.http.response import Response


def render_bug(
    error: BaseException, request: Request, pattern: str, error_id: str, root: Path, *, as_page: bool
) -> Response:
    """500 with all that helps to find the mistake. root: the folder of the project. as_page: HTML, else JSON."""
    headers = {"cache-control": "no-store"}
    parts = parts_of(error, root)
    if not as_page:
        first = {"error": "Internal server error", "id": error_id, **_as_json(parts[0]), "route": pattern}
        first["traceback"] = [frame.place for frame in parts[0].frames]
        if len(parts) > 1:
            first["related"] = [
                {"relation": part.relation, **_as_json(part), "traceback": [frame.place for frame in part.frames]}
                for part in parts[1:]
            ]
        return Response.json(first, 500, headers)
    target = f"{request.method} {request.path}"
    page = dev_page(
        f"{parts[0].title}: {target}",
        map(section_of, parts),
        {"Request": target, "Route": pattern, "Error": error_id},
        _plain(parts, target),
    )
    return Response(page, 500, {**headers, "content-type": "text/html; charset=utf-8"})


def _as_json(part: Part) -> dict[str, Any]:
    return {"type": part.title, "message": part.message, **({"remedy": part.remedy} if part.remedy else {})}


def _plain(parts: list[Part], target: str) -> str:
    """What "copy" copies: an issue or a message wants text."""
    lines = [target]
    for part in parts:
        lines.append(f"{part.relation + ' ' if part.relation else ''}{part.title}: {part.message}")
        lines.extend(f"  {frame.place}" for frame in reversed(part.frames))
    return "\n".join(lines)
