"""The development error page: what went wrong with source lines, as HTML to a browser and as JSON to everyone else.

Used in `waypost dev` only; production never imports a source line into an answer.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from waypost.app.error_trace import Frame, Line, Part, parts_of
from waypost.http.request import Request
from waypost.http.response import Response

_LONG: Final = 100  # characters of a message that is no headline any more


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
    page = _page(parts, f"{request.method} {request.path}", pattern, error_id)
    return Response(page, 500, {**headers, "content-type": "text/html; charset=utf-8"})


def _as_json(part: Part) -> dict[str, Any]:
    return {"type": part.title, "message": part.message, **({"remedy": part.remedy} if part.remedy else {})}


# -- the page


def _page(parts: list[Part], target: str, pattern: str, error_id: str) -> str:
    escape = html.escape
    facts = "".join(
        f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>"
        for name, value in (("Request", target), ("Route", pattern), ("Error", error_id))
    )
    return _TEMPLATE.format(
        title=escape(f"{parts[0].title}: {target}"),
        style=_STYLE,
        facts=facts,
        parts="".join(_part(part) for part in parts),
        text=escape(_plain(parts, target)),
    )


def _part(part: Part) -> str:
    escape = html.escape
    message, _, rest = part.message.partition("\n")
    kind = "message long" if len(message) > _LONG else "message"
    return "".join(
        (
            f"<section{' class=related' if part.relation else ''}>",
            f"<p class=relation>{escape(part.relation)}</p>" if part.relation else "",
            f"<h1>{escape(part.title)}</h1><p class='{kind}'>{escape(message)}</p>",
            f"<pre class=rest>{escape(rest)}</pre>" if rest else "",
            f"<p class=remedy>{escape(part.remedy)}</p>" if part.remedy else "",
            *_frames(part.frames),
            "</section>",
        )
    )


def _frames(frames: tuple[Frame, ...]) -> Iterator[str]:
    """Where it was raised comes first. Calls of libraries are folded into one line, unless there are no others."""
    for own, run in groupby(reversed(frames), key=lambda frame: frame.own):
        calls = list(run)
        if own or not any(frame.own for frame in frames):
            yield from (_frame(frame, opened=True) for frame in calls)
        else:
            inner = "".join(_frame(frame, opened=False) for frame in calls)
            count = f"{len(calls)} call{'s' if len(calls) > 1 else ''} in libraries"
            yield f"<details class=libraries><summary>{count}</summary>{inner}</details>"


def _frame(frame: Frame, *, opened: bool) -> str:
    escape = html.escape
    function = f" <span>in</span> {escape(frame.function)}" if frame.function else ""
    return (
        f"<details{' open' if opened else ''}><summary>{escape(frame.file)}<b>:{frame.line}</b>{function}</summary>"
        f"<ol>{''.join(map(_line, frame.lines))}</ol></details>"
    )


def _line(line: Line) -> str:
    text = html.escape(line.text)
    if line.mark is not None:
        start, end = line.mark
        before, marked, after = (
            html.escape(part) for part in (line.text[:start], line.text[start:end], line.text[end:])
        )
        text = f"{before}<mark>{marked}</mark>{after}"
    return f'<li value="{line.number}"{" class=at" if line.failed else ""}>{text or " "}</li>'


def _plain(parts: list[Part], target: str) -> str:
    """What "copy" copies: an issue or a message wants text."""
    lines = [target]
    for part in parts:
        lines.append(f"{part.relation + ' ' if part.relation else ''}{part.title}: {part.message}")
        lines.extend(f"  {frame.place}" for frame in reversed(part.frames))
    return "\n".join(lines)


_TEMPLATE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
<header><strong>waypost dev</strong><span>shown to this machine only, and never in production</span>
<button type="button">Copy</button></header>
<main>{parts}<dl>{facts}</dl></main>
<textarea hidden>{text}</textarea>
<script>
document.querySelector("button").onclick = async ({{target}}) => {{
  await navigator.clipboard.writeText(document.querySelector("textarea").value);
  target.textContent = "Copied";
}};
</script>
</html>
"""

_STYLE = """
:root{color-scheme:light dark;--ink:#1c1e21;--soft:#667085;--paper:#f5f6f8;--card:#fff;--edge:#e2e5ea;--red:#c92a2a;
--glow:#fdecec;--mark:#f7b5b5;--green:#1f8a4c;--hint:#eaf7ef;--code:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#98a1b0;--paper:#131417;--card:#1c1e22;--edge:#2d3138;
--red:#ff7b72;--glow:#3b1f21;--mark:#7a2e30;--green:#56d18a;--hint:#17291f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,sans-serif}
header{display:flex;gap:.8rem;align-items:baseline;padding:.7rem 1.5rem;border-bottom:1px solid var(--edge);
border-top:4px solid var(--red);background:var(--card)}
header span{color:var(--soft);font-size:.85rem}
button{margin-left:auto;font:inherit;font-size:.85rem;padding:.2rem .8rem;border-radius:6px;
border:1px solid var(--edge);background:var(--paper);color:inherit;cursor:pointer}
main{max-width:64rem;margin:0 auto;padding:1.5rem}
section{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:1.2rem 1.5rem;margin-bottom:1rem}
.relation{margin:0 0 .2rem;color:var(--soft);font-size:.85rem;text-transform:uppercase;letter-spacing:.05em}
h1{margin:0;color:var(--red);font-size:1.1rem;font-family:var(--code);font-weight:600}
.message{margin:.3rem 0 1rem;font-size:1.35rem;font-weight:600;overflow-wrap:anywhere}
.related .message,.message.long{font-size:1.1rem}
.rest{margin:-.5rem 0 1rem;font:13px/1.6 var(--code);overflow-x:auto}
.remedy{margin:0 0 1rem;padding:.6rem .9rem;border-left:4px solid var(--green);background:var(--hint)}
details{margin-top:.6rem;border:1px solid var(--edge);border-radius:8px;overflow:hidden}
details details{margin:.4rem}
summary{cursor:pointer;padding:.4rem .8rem;font:13px/1.6 var(--code);background:var(--paper);overflow-wrap:anywhere}
summary span,.libraries>summary{color:var(--soft)}
ol{margin:0;padding:.5rem 0 .5rem 3.6rem;font:13px/1.65 var(--code);white-space:pre;overflow-x:auto;tab-size:4}
li::marker{color:var(--soft)}
li{padding:0 .8rem .0 .6rem;min-width:max-content}
.at{background:var(--glow);box-shadow:-3.6rem 0 var(--glow);font-weight:600}
mark{background:var(--mark);color:inherit;border-radius:3px}
dl{display:flex;flex-wrap:wrap;gap:.4rem 2rem;margin:1.2rem .2rem;font-size:.85rem}
dl div{display:flex;gap:.5rem}dt{color:var(--soft)}dd{margin:0;font-family:var(--code);overflow-wrap:anywhere}
"""
