"""The development error page: the traceback with source lines, as HTML to a browser and as JSON to everyone else.

Used in `waypost dev` only; production never imports a source line into an answer.
"""

from __future__ import annotations

import html
import linecache
import traceback
from typing import Any

from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.http.response import Response

_CONTEXT_LINES = 3
_MAX_FRAMES = 50


def wants_html(request: Request) -> bool:
    """Whether the client is a browser that asks for a page."""
    return "text/html" in (request.headers.get("accept") or "").lower()


def render_bug(error: BaseException, request: Request, pattern: str, error_id: str) -> Response:
    """500 with all that helps to find the mistake."""
    headers = {"cache-control": "no-store"}
    if isinstance(error, StartupError):
        frames = [_frame(str(error.file), error.line or 1, "")] if error.file is not None else []
        title, message, remedy = "This route can't be used", error.message, error.remedy
    else:
        trace = traceback.extract_tb(error.__traceback__, limit=-_MAX_FRAMES)
        frames = [_frame(item.filename, item.lineno or 1, item.name) for item in trace]
        title, message, remedy = type(error).__name__, str(error), ""
    if not wants_html(request):
        where = [f"{frame['file']}:{frame['line']} in {frame['function']}".removesuffix(" in ") for frame in frames]
        body = {"error": "Internal server error", "id": error_id, "type": title, "message": message}
        if remedy:
            body["remedy"] = remedy
        return Response.json({**body, "route": pattern, "traceback": where}, 500, headers)
    page = _page(title, message, remedy, f"{request.method} {request.path}", pattern, error_id, frames)
    return Response(page, 500, {**headers, "content-type": "text/html; charset=utf-8"})


def _frame(file: str, line: int, function: str) -> dict[str, Any]:
    lines = [
        (number, linecache.getline(file, number).rstrip("\n"))
        for number in range(max(1, line - _CONTEXT_LINES), line + _CONTEXT_LINES + 1)
    ]
    while lines and not lines[-1][1]:
        lines.pop()
    return {"file": file, "line": line, "function": function, "lines": lines}


def _page(
    title: str, message: str, remedy: str, target: str, pattern: str, error_id: str, frames: list[dict[str, Any]]
) -> str:
    escape = html.escape
    blocks = []
    for frame in reversed(frames):
        rows = "".join(
            f'<li value="{number}"{" class=at" if number == frame["line"] else ""}>{escape(text) or " "}</li>'
            for number, text in frame["lines"]
        )
        own = "" if "site-packages" in frame["file"] or "/waypost/" in frame["file"] else " open"
        name = f" in {escape(frame['function'])}" if frame["function"] else ""
        blocks.append(
            f"<details{own}><summary>{escape(frame['file'])}:{frame['line']}{name}</summary><ol>{rows}</ol></details>"
        )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}: {escape(target)}</title>
<style>
:root{{color-scheme:light dark}}
body{{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}}
h1{{color:#c0392b;margin-bottom:0}}.message{{font-size:1.15rem;white-space:pre-wrap}}
.remedy{{border-left:4px solid #27ae60;padding-left:.8rem}}small{{opacity:.7}}
summary{{cursor:pointer;font-family:ui-monospace,monospace;font-size:.85rem;padding:.3rem 0}}
ol{{font:13px/1.6 ui-monospace,monospace;white-space:pre;overflow-x:auto;background:#8881}}
ol{{margin:0 0 .6rem;padding-left:4rem}}
.at{{background:#c0392b33;font-weight:600}}
</style>
<h1>{escape(title)}</h1>
<p class="message">{escape(message)}</p>
{f'<p class="remedy">{escape(remedy)}</p>' if remedy else ""}
<p><small>{escape(target)} · route {escape(pattern)} · error {escape(error_id)} · shown in development only</small></p>
{"".join(blocks)}
</html>
"""
