"""Generated requests against generated matchers: where a handler ran, did the middleware that covers it run?

The judge knows nothing of path patterns as the framework reads them: each matcher comes with a predicate over the
decoded segments of the path that the handler says it answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from tests.app.project import make_application

from waypost.app.application import Application
from waypost.app.build import build
from waypost.app.dispatch import Dispatcher
from waypost.app.layers import Layer
from waypost.app.matching import read_config
from waypost.app.pipeline import Pipeline
from waypost.app.target import Targets
from waypost.http.request import Request
from waypost.http.response import Response

ROUTES = {
    "/": "",
    "/admin": "",
    "/admin/users": "",
    "/admin/[id]": "id",
    "/api/users/[id]/edit": "id",
    "/api/[...path]": "path",
    "/p/[a]/[b]": "a b",
    "/café/x y": "",
    "/feed.xml": "",
    "/static/[[...rest]]": "rest",
    "/[name]": "name",
    "/en/[...rest]": "rest",
}
HANDLER = """
from waypost import Response
async def GET(request, context):
    return Response.json({"route": ROUTE, "params": dict(context.params)})
POST = PUT = PATCH = DELETE = GET
"""
SETTINGS: list[dict[str, Any]] = [
    {},
    {"base_path": "/docs"},
    {"trailing_slash": True},
    {"skip_trailing_slash_redirect": True},
    {
        "rewrites": {
            "before_files": [{"source": "/old/:path*", "destination": "/admin/:path*"}],
            "after_files": [{"source": "/api/me", "destination": "/admin/users"}],
            "fallback": [{"source": "/legacy/:a/:b", "destination": "/p/:a/:b"}],
        },
        "headers": [{"source": "/:path*", "headers": {"x-config": "1"}}],
    },
]

Segments = list[str]
Predicate = Callable[[Segments], bool]


def begins(*words: str) -> Predicate:
    return lambda segments: segments[: len(words)] == list(words)


def text(check: Callable[[str], bool]) -> Predicate:
    return lambda segments: check("/".join(segments))


#: Pattern → what it covers, said in another way.
MATCHERS: list[tuple[Any, Predicate]] = [
    ("/", lambda s: s == []),
    ("/admin", lambda s: s == ["admin"]),
    ("/admin/:path*", begins("admin")),
    ("/admin/:path+", lambda s: s[:1] == ["admin"] and len(s) > 1),
    ("/admin/:id", lambda s: s[:1] == ["admin"] and len(s) == 2),
    ("/admin/:id?", lambda s: s[:1] == ["admin"] and len(s) <= 2),
    ("/api/:path*", begins("api")),
    ("/api/users/:id/edit", lambda s: len(s) == 4 and s[:2] == ["api", "users"] and s[3] == "edit"),
    ("/api/(users|posts)/:path*", lambda s: s[:1] == ["api"] and s[1:2] in (["users"], ["posts"])),
    ("/p/:a/:b", lambda s: len(s) == 3 and s[0] == "p"),
    ("/p/:a(\\d+)/:b", lambda s: len(s) == 3 and s[0] == "p" and s[1].isascii() and s[1].isdigit()),
    ("/:path*", lambda s: True),
    ("/(.*)", lambda s: True),
    ("/:name", lambda s: len(s) == 1),
    ("/:a/:b", lambda s: len(s) == 2),
    ("/:name.xml", lambda s: len(s) == 1 and s[0].endswith(".xml") and len(s[0]) > 4),
    ("/:file(.*\\.xml)", text(lambda t: t.endswith(".xml"))),
    ("/((?!api|static).*)", text(lambda t: not t.startswith(("api", "static")))),
    ("/((?!admin).*)", text(lambda t: not t.startswith("admin"))),
    ("/admin(.*)", text(lambda t: t.startswith("admin"))),
    ("/café/:path*", begins("café")),
    ("/caf%C3%A9/:path*", begins("café")),
    ("/caf%c3%a9/x%20y", lambda s: s == ["café", "x y"]),
    ("/café/x y", lambda s: s == ["café", "x y"]),
    ("/:lang(en|de)/:path*", lambda s: s[:1] in (["en"], ["de"])),
    ("/static{/:rest}?", lambda s: s[:1] == ["static"] and len(s) <= 2),
    (["/admin", "/api/:path*"], lambda s: s == ["admin"] or s[:1] == ["api"]),
    (
        [{"source": "/admin/:path*"}, {"source": "/p/:a/:b"}],
        lambda s: s[:1] == ["admin"] or (len(s) == 3 and s[0] == "p"),
    ),
    (None, lambda s: True),
]
#: Matchers with a condition: it holds when the request has the header x-beta.
CONDITIONAL = [
    ({"source": source, "has": [{"type": "header", "key": "X-Beta", "value": "yes"}]}, predicate)
    for source, predicate in MATCHERS
    if isinstance(source, str)
]


@dataclass(frozen=True)
class Example:
    """One request, and which of the worlds and matchers it goes to."""

    world: int
    matcher: int
    wraps: bool
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]


@dataclass
class World:
    """An application with one pipeline for each matcher and form."""

    application: Application
    # Not shown: where an example fails, Hypothesis would show nothing for all of this.
    pipelines: dict[tuple[int, bool], Pipeline] = field(default_factory=dict, repr=False)

    def choose(self, matcher: int, wraps: bool) -> None:
        """Let the application answer behind this matcher."""
        self.application._select = self.pipelines[matcher, wraps].select


async def decides(request: Request) -> Response:
    return Response.next(headers={"x-ran": "1"})


async def wraps(request: Request, next: Callable[[Request], Any]) -> Response:
    response: Response = await next(request)
    response.headers.append("x-ran", "1")
    return response


ALL = [*MATCHERS, *CONDITIONAL]


def make_world(root: Path, settings: dict[str, Any]) -> World:
    """The routes under these settings. The matchers are compiled by what reads a project's `config`."""
    files = {f"app{route if route != '/' else ''}/route.py": HANDLER.replace("ROUTE", repr(route)) for route in ROUTES}
    application = make_application(root, files, **settings)
    world = World(application)
    config = application.config
    built = build(config)
    for index, (matcher, _) in enumerate(ALL):
        compiled = None
        if matcher is not None:
            compiled = read_config({"matcher": matcher}, base_path=config.base_path, file=root / "m.py", line=1)
        for form in (False, True):
            layer = Layer(wraps if form else decides, form, "the test's middleware")
            world.pipelines[index, form] = Pipeline(
                Dispatcher(built.table), built.table, built.rules, [layer], compiled,
                targets=Targets(config.base_path, (), built.table.redirect), forwarder=application._forwarder,
                body_limit=1000, variable=built.variable,
            )  # fmt: skip
    return world


# -- generated requests

WORDS = [
    "admin", "users", "api", "edit", "p", "7", "café", "x y", "feed.xml", "static", "en", "de", "posts", "old",
    "legacy", "me", "ADMIN", "admin;x", "administrator", "a/b", "a\\b", "100%", "%61", "..", ".", "...", "", "x",
    "admin.json", "\n", "ü", "_next", "a:b", "(x)", "docs",
]  # fmt: skip


def spelled(draw: st.DrawFn, word: str, oddly: bool) -> str:
    """A word as a path may have it; oddly: with escapes it does not need, or escapes of escapes."""
    out = []
    for octet in word.encode():
        plain = chr(octet)
        must = not (0x21 <= octet <= 0x7E) or plain in '%"<>`{}|^?#/\\'
        how = draw(st.integers(0, 9)) if oddly else 9
        if how <= 1 or (must and how != 3):
            out.append(f"%{octet:02X}" if how != 1 else f"%{octet:02x}")
        elif how == 2:
            out.append(f"%25{octet:02x}")
        else:
            out.append(plain)
    return "".join(out)


@st.composite
def target(draw: st.DrawFn) -> str:
    """A request target: half of them lead to a route, in many spellings, the others nearly or not at all."""
    words = st.sampled_from(WORDS)
    if draw(st.integers(0, 3)):
        parts: list[str] = []
        for part in draw(st.sampled_from([*ROUTES, "/old/users", "/api/me", "/legacy/x/y"])).split("/")[1:]:
            if "..." in part:
                parts += draw(st.lists(words, max_size=3))
            elif part:
                parts.append(draw(words) if part.startswith("[") else part)
    else:
        parts = draw(st.lists(words, max_size=5))
    oddly = draw(st.booleans())
    odd_slashes = st.sampled_from(["/"] * 6 + ["//", "/./", "/../", "\\", "%2f", "%2F", "/%2e/", ";/", "%5c"])
    slashes = odd_slashes if draw(st.integers(0, 5)) == 0 else st.just("/")
    path = "".join(draw(slashes) + spelled(draw, part, oddly) for part in parts) or "/"
    if not path.startswith("/"):
        path = "/" + path
    path = draw(st.sampled_from(["", "", "/docs"])) + path
    path += draw(st.sampled_from([""] * 20 + ["/", "//", "/.", ".json", ".rsc", "%00", "%ff", ";x", "%"]))
    return path + draw(st.sampled_from(["", "", "", "?x=1", "?id=2&path=admin", "?_rsc=1", "?"]))


NOISE = [
    ("x-middleware-subrequest", "middleware:middleware:middleware:middleware:middleware"), ("x-middleware-next", "1"),
    ("x-middleware-rewrite", "/"), ("x-middleware-skip", "1"), ("x-nextjs-data", "1"), ("x-waypost-skip", "1"),
    ("x-original-url", "/"), ("x-rewrite-url", "/"), ("x-http-method-override", "GET"), ("rsc", "1"),
    ("purpose", "prefetch"), ("x-forwarded-prefix", "/x"), ("x-matched-path", "/"), ("x-invoke-path", "/"),
    ("x-beta", "yes"), ("x-beta", "no"),
]  # fmt: skip

EXAMPLES = st.builds(
    Example,
    world=st.sampled_from(range(len(SETTINGS))),
    matcher=st.sampled_from([*range(len(MATCHERS)), *range(len(MATCHERS)), *range(len(MATCHERS), len(ALL))]),
    wraps=st.booleans(),
    method=st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]),
    target=target(),
    headers=st.lists(st.sampled_from(NOISE), max_size=3).map(tuple),
)


# -- the judge


def segments_answered(answer: dict[str, Any]) -> Segments:
    """The decoded segments of the path, put together from what the handler was told."""
    out: Segments = []
    for part in answer["route"].split("/")[1:]:
        if part.startswith("["):
            name = part.strip("[].")
            value = answer["params"].get(name, [])
            out += [value] if isinstance(value, str) else value
        elif part:
            out.append(part)
    return out


def disagreement(example: Example, status: int, ran: Sequence[str], body: bytes) -> str | None:
    """What is wrong with an answer; None when nothing is."""
    if status >= 500:
        return f"status {status}"
    if len(ran) > 1:
        return f"the middleware ran {len(ran)} times"
    if status != 200 or example.method == "HEAD":
        return None
    segments = segments_answered(json.loads(body))
    matcher, predicate = ALL[example.matcher]
    holds = example.matcher < len(MATCHERS) or any(pair == ("x-beta", "yes") for pair in example.headers)
    if example.matcher >= len(MATCHERS) and sum(name == "x-beta" for name, _ in example.headers) > 1:
        return None  # the values join, and the condition is about the whole of them
    resplit = [part for part in "/".join(segments).split("/") if part]
    covered = holds and (predicate(segments) or predicate(resplit))
    if covered and not ran:
        return f"{matcher!r} covers {segments} and the middleware did not run"
    plain = "%" not in example.target.partition("?")[0] and SETTINGS[example.world].get("rewrites") is None
    if plain and ran and not covered:
        return f"{matcher!r} does not cover {segments} and the middleware ran"
    return None
