"""The frame of the pages that `waypost dev` shows to a browser, and what they have in common."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final

from waypost.app.error_trace import Frame, Line, Part

_LONG: Final = 100  # characters of a message that is no headline any more


def dev_page(title: str, sections: Iterable[str], facts: Mapping[str, str], text: str) -> str:
    """A page of HTML. sections: HTML; facts: what stands at its foot; text: what its button copies."""
    escape = html.escape
    return _TEMPLATE.format(
        title=escape(title),
        style=_STYLE,
        facts="".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items()),
        sections="".join(sections),
        text=escape(text),
    )


def section_of(part: Part) -> str:
    """An exception: what it says, its remedy, and the calls with their source lines."""
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


_TEMPLATE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
<header><strong>waypost dev</strong><span>shown to this machine only, and never in production</span>
<button type="button">Copy</button></header>
<main>{sections}<dl>{facts}</dl></main>
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
table{border-collapse:collapse;width:100%;font:13px/1.6 var(--code)}
th{text-align:left;color:var(--soft);font-weight:400}
td,th{padding:.25rem 1.2rem .25rem 0;border-bottom:1px solid var(--edge);overflow-wrap:anywhere}
.wrong{color:var(--red)}
dl{display:flex;flex-wrap:wrap;gap:.4rem 2rem;margin:1.2rem .2rem;font-size:.85rem}
dl div{display:flex;gap:.5rem}dt{color:var(--soft)}dd{margin:0;font-family:var(--code);overflow-wrap:anywhere}
"""
