from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from waypost.errors import InvalidPath, StartupErrors
from waypost.routing.canonical import decode_path
from waypost.routing.conflicts import find_conflicts
from waypost.routing.pattern import check_segments, parse_segment, render_pattern
from waypost.routing.route_file import RouteFile
from waypost.routing.table import RouteTable

Measure = Callable[[Callable[[], object]], float]


def route(folders: str) -> RouteFile:
    segments = tuple(parse_segment(folder) for folder in folders.split("/") if folder)
    kept = tuple(segment for segment in segments if segment.kind != "group")
    return RouteFile(render_pattern(kept), Path("/project/app", folders.strip("/"), "route.py"), "route", kept)


def table(*patterns: str, **settings: object) -> RouteTable[str]:
    return RouteTable.build([(route(pattern), pattern) for pattern in patterns], **settings)  # type: ignore[arg-type]  # by name


GUIDE = table(
    "/",
    "/x/r/[id]",
    "/x/r/special",
    "/x/slug/[...slug]",
    "/x/opt/[[...slug]]",
    "/x/p/[id]",
    "/x/p/[id]/edit",
    "/x/p/fixed",
    "/x/p/fixed/only-here",
    "/x/p/[...rest]",
    "/back/fixed/leaf",
    "/back/[id]/other",
    "/n/[a]/[b]",
    "/n/[a]/c",
    "/org/[org]/settings",
    "/org/[org]/[...path]",
    "/sp ace",
    "/日本/[id]",
    "/deep/a/b/c/d/e",
    "/feed.xml",
)


@pytest.mark.parametrize(
    ("path", "pattern", "params"),
    [
        ("/", "/", {}),
        ("/x/r/42", "/x/r/[id]", {"id": "42"}),
        ("/x/r/special", "/x/r/special", {}),
        ("/x/slug/a", "/x/slug/[...slug]", {"slug": ["a"]}),
        ("/x/slug/a/b/c", "/x/slug/[...slug]", {"slug": ["a", "b", "c"]}),
        ("/x/opt", "/x/opt/[[...slug]]", {}),
        ("/x/opt/a", "/x/opt/[[...slug]]", {"slug": ["a"]}),
        ("/x/p/77", "/x/p/[id]", {"id": "77"}),
        ("/x/p/77/edit", "/x/p/[id]/edit", {"id": "77"}),
        ("/x/p/fixed/edit", "/x/p/[id]/edit", {"id": "fixed"}),
        ("/x/p/fixed/zzz", "/x/p/[...rest]", {"rest": ["fixed", "zzz"]}),
        ("/x/p/77/edit/more", "/x/p/[...rest]", {"rest": ["77", "edit", "more"]}),
        ("/back/fixed/other", "/back/[id]/other", {"id": "fixed"}),
        ("/n/1/c", "/n/[a]/c", {"a": "1"}),
        ("/n/1/2", "/n/[a]/[b]", {"a": "1", "b": "2"}),
        ("/org/o/settings", "/org/[org]/settings", {"org": "o"}),
        ("/org/o/settings/x", "/org/[org]/[...path]", {"org": "o", "path": ["settings", "x"]}),
        ("/sp%20ace", "/sp ace", {}),
        ("/%E6%97%A5%E6%9C%AC/7", "/日本/[id]", {"id": "7"}),
        ("/%e6%97%a5%e6%9c%ac/7", "/日本/[id]", {"id": "7"}),
        # Once decoded, never twice; a slash that was encoded is part of its segment.
        ("/x/r/a%20b", "/x/r/[id]", {"id": "a b"}),
        ("/x/r/a%2Fb", "/x/r/[id]", {"id": "a/b"}),
        ("/x/r/a+b", "/x/r/[id]", {"id": "a+b"}),
        ("/x/r/100%25", "/x/r/[id]", {"id": "100%"}),
        ("/x/r/%2541", "/x/r/[id]", {"id": "%41"}),
        ("/x/slug/a%2Fb/c%20d", "/x/slug/[...slug]", {"slug": ["a/b", "c d"]}),
        ("/x/r/..%2F..%2Fetc", "/x/r/[id]", {"id": "../../etc"}),
        ("/x/r/;=,@:!$&'()*~[id]", "/x/r/[id]", {"id": ";=,@:!$&'()*~[id]"}),
        # A static segment with needless escapes is what it means: a guard for /x/r/special must not be passed by.
        ("/x/r/%73pecial", "/x/r/special", {}),
        ("/x/p/%66ixed", "/x/p/fixed", {}),
        ("/feed%2Exml", "/feed.xml", {}),
        # One trailing slash is ignored: the table is asked when no redirect was wanted.
        ("/x/r/42/", "/x/r/[id]", {"id": "42"}),
        ("/x/slug/a/", "/x/slug/[...slug]", {"slug": ["a"]}),
        ("/x/opt/", "/x/opt/[[...slug]]", {}),
    ],
)
def test_match(path: str, pattern: str, params: dict[str, object]) -> None:
    assert GUIDE.match(path) == (pattern, params)


@pytest.mark.parametrize(
    "path",
    [
        *("/x", "/x/r", "/x/slug", "/X/r/1", "/x/r/1/2", "/deep/a/b/c/d", "/nope", "/(group)/x", "/sp+ace", "/x/r%2F1"),
        *("/x/r//1", "//x/r/1", "/x/r/", "/x/slug//"),  # no value is empty
        *("/x/r/..", "/x/r/%2e%2e", "/x/r/.", "/x/slug/a/../b", "/x/slug/%2E/a"),  # nor is it a way up
        *("", "*", "x/r/1", "http://host/x/r/1"),  # no paths
    ],
)
def test_no_match(path: str) -> None:
    assert GUIDE.match(path) is None


@pytest.mark.parametrize(
    "path", ["/x/r/100%", "/x/r/%ff", "/nope/%zz", "/x/r/%00", "/x/r/a\0", "/x/r/é", "/x/slug/a/%E0%A4%A"]
)
def test_invalid_path(path: str) -> None:
    with pytest.raises(InvalidPath):
        GUIDE.match(path)


def test_a_catch_all_list_belongs_to_the_request() -> None:
    first = GUIDE.match("/x/slug/a/b")
    assert first is not None
    first[1]["slug"].append("mine")  # type: ignore[union-attr]  # a list here

    assert GUIDE.match("/x/slug/a/b") == ("/x/slug/[...slug]", {"slug": ["a", "b"]})


def test_params_of_a_static_route_belong_to_the_request() -> None:
    first = GUIDE.match("/")
    assert first is not None
    first[1]["mine"] = "x"

    assert GUIDE.match("/") == ("/", {})


def test_static_has_the_raw_paths_of_routes_without_parameters() -> None:
    assert dict(GUIDE.static) == {
        "/": "/",
        "/x/r/special": "/x/r/special",
        "/x/opt": "/x/opt/[[...slug]]",
        "/x/p/fixed": "/x/p/fixed",
        "/x/p/fixed/only-here": "/x/p/fixed/only-here",
        "/back/fixed/leaf": "/back/fixed/leaf",
        "/sp%20ace": "/sp ace",
        "/deep/a/b/c/d/e": "/deep/a/b/c/d/e",
        "/feed.xml": "/feed.xml",
    }


def test_static_has_canonical_paths_only() -> None:
    # Otherwise the first look-up would answer a path that has to be redirected.
    patterns = ("/", "/a", "/a/data.json", "/.well-known/x", "/[id]")
    with_slash = table(*patterns, trailing_slash=True)
    either = table(*patterns, skip_trailing_slash_redirect=True)

    assert set(with_slash.static) == {"/", "/a/", "/a/data.json", "/.well-known/x", "/.well-known/x/"}
    assert set(either.static) == {
        *("/", "/a", "/a/", "/a/data.json", "/a/data.json/"),
        *("/.well-known/x", "/.well-known/x/"),
    }
    assert with_slash.match("/42/") == ("/[id]", {"id": "42"})
    assert with_slash.redirect("/42") == "/42/"
    assert either.redirect("/a/") is None


def test_base_path() -> None:
    docs = table("/", "/a", "/[id]/b", base_path="/docs")

    assert set(docs.static) == {"/docs", "/docs/a"}
    assert docs.match("/docs") == ("/", {})
    assert docs.match("/docs/a") == ("/a", {})
    assert docs.match("/docs/7/b") == ("/[id]/b", {"id": "7"})
    assert docs.match("/docs/%61") == ("/a", {})
    assert docs.redirect("/docs/") == "/docs"
    for outside in ("/", "/a", "/7/b", "/docsline", "/docsline/b", "/doc"):
        assert docs.match(outside) is None
        assert docs.redirect(outside) is None


def test_base_path_with_trailing_slash() -> None:
    docs = table("/", "/a", base_path="/docs", trailing_slash=True)

    assert set(docs.static) == {"/docs/", "/docs/a/"}
    assert docs.redirect("/docs") == "/docs/"
    assert docs.match("/docs") == ("/", {})  # the table itself does not mind the slash


def test_public_files_win() -> None:
    routes = [(route("/x/shadow"), "route"), (route("/x/[id]"), "parameter")]
    found = RouteTable.build(routes, public=[("/x/shadow", "file"), ("/naïve file.txt", "odd")])

    assert found.match("/x/shadow") == ("file", {})
    assert found.match("/x/%73hadow") == ("file", {})
    assert found.match("/x/other") == ("parameter", {"id": "other"})
    assert found.static["/na%C3%AFve%20file.txt"] == "odd"
    assert found.match("/na%c3%afve%20file%2Etxt") == ("odd", {})


def test_conflicts_are_refused_all_at_once() -> None:
    with pytest.raises(StartupErrors) as caught:
        table("/(a)/x", "/(b)/x", "/n/[a]", "/n/[b]/c")

    assert len(caught.value.errors) == 2


def test_a_tolerant_table_keeps_the_first_and_the_names_of_each_route() -> None:
    found = table("/(b)/x", "/(a)/x", "/n/[a]", "/n/[b]/c", tolerant=True)

    assert found.match("/x") == ("/(a)/x", {})
    assert found.match("/n/1") == ("/n/[a]", {"a": "1"})
    assert found.match("/n/1/c") == ("/n/[b]/c", {"b": "1"})
    rest = table("/[...a]", "/[...b]", "/[[...c]]", tolerant=True)
    assert rest.match("/x") == ("/[...a]", {"a": ["x"]})
    assert rest.match("/") == ("/[[...c]]", {})


def test_frozen() -> None:
    with pytest.raises(AttributeError, match="frozen"):
        GUIDE.static = {}  # type: ignore[misc]  # what must not work
    with pytest.raises(AttributeError):
        GUIDE.anything = 1  # type: ignore[attr-defined]  # what must not work


def test_iteration_gives_the_stronger_route_first() -> None:
    found = table("/p/[...rest]", "/p/[id]", "/p/fixed", "/[[...all]]", "/p/fixed/x")

    assert [pattern for pattern, _ in found] == ["/p/fixed", "/p/fixed/x", "/p/[id]", "/p/[...rest]", "/[[...all]]"]
    assert len(found) == 5


def test_an_empty_table_matches_nothing() -> None:
    empty = table()

    assert empty.match("/") is None
    assert empty.match("/a/b") is None


# The oracle: try every route by itself, then take the strongest by the rule of the documentation.


def naive(routes: Iterable[RouteFile], path: str) -> tuple[str, dict[str, object]] | None:
    parts = decode_path(path)[1:]
    if parts == [""]:
        parts = []
    best: tuple[list[int], str, dict[str, object]] | None = None
    for each in routes:
        found = one_route(each, parts)
        if found is not None and (best is None or found[0] < best[0]):
            best = (found[0], each.pattern, found[1])
    return best[1:] if best else None


def one_route(file: RouteFile, parts: Sequence[str]) -> tuple[list[int], dict[str, object]] | None:
    """Rank of the segment that takes each position, and the values; None when the route does not match."""
    ranks: list[int] = []
    values: dict[str, object] = {}
    for at, segment in enumerate(file.segments):
        if segment.kind in ("catch-all", "optional-catch-all"):
            rest = list(parts[at:])
            if not rest and segment.kind == "catch-all":
                return None
            if rest:
                values[segment.name] = rest
            return [*ranks, 2 if segment.kind == "catch-all" else 3], values
        if at >= len(parts):
            return None
        if segment.kind == "param":
            values[segment.name] = parts[at]
            ranks.append(1)
        elif segment.name == parts[at]:
            ranks.append(0)
        else:
            return None
    return (ranks, values) if len(file.segments) == len(parts) else None


@st.composite
def route_sets(draw: st.DrawFn) -> list[RouteFile]:
    chosen: list[RouteFile] = []
    for _ in range(draw(st.integers(1, 12))):
        folders = [
            draw(st.sampled_from(["a", "b", "é", "x y", f"[p{at}]", f"[p{at}]"]))
            for at in range(draw(st.integers(0, 4)))
        ]
        folders += draw(st.sampled_from([[], [], ["[...rest]"], ["[[...rest]]"]]))
        one = route("/".join(folders))
        if check_segments(one.segments) is None and not find_conflicts([*chosen, one]):
            chosen.append(one)
    return chosen


segment_texts = st.sampled_from(["a", "b", "%61", "%C3%A9", "x%20y", "z", "a%2Fb", "%2561", "+", "p0"])
request_paths = st.lists(segment_texts, max_size=6).map(lambda parts: "/" + "/".join(parts))


@given(route_sets(), st.lists(request_paths, min_size=1, max_size=8))
def test_match_agrees_with_the_oracle(routes: list[RouteFile], paths: list[str]) -> None:
    assume(routes)
    found = RouteTable.build((file, file.pattern) for file in routes)

    for path in paths:
        assert found.match(path) == naive(routes, path)


@given(route_sets())
def test_static_agrees_with_match(routes: list[RouteFile]) -> None:
    found = RouteTable.build((file, file.pattern) for file in routes)

    for path, pattern in found.static.items():
        assert naive(routes, path) == (pattern, {})
        if path != "/":  # in a spelling that the dict has not
            assert found.match(f"/%{ord(path[1]):02X}{path[2:]}" if path[1] != "%" else path.lower()) == (pattern, {})


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=40))
def test_any_text_is_matched_or_refused(text: str) -> None:
    for path in (text, "/x/slug/" + text):
        try:
            found = GUIDE.match(path)
            GUIDE.redirect(path)
        except InvalidPath:
            continue
        assert found is None or isinstance(found[0], str)


@pytest.mark.parametrize("unit", ["/", "a/", "%41", "%41/", "x/slug/", "../", "%2e/"])
@pytest.mark.parametrize("prefix", ["/", "/x/slug/", "/x/p/fixed/", "/nope/"])
def test_a_long_path_costs_little(prefix: str, unit: str, cpu_seconds: Measure) -> None:
    path = prefix + unit * (65536 // len(unit))

    assert cpu_seconds(lambda: GUIDE.match(path)) < 0.005


def test_backtracking_visits_each_node_once(cpu_seconds: Measure) -> None:
    # Two choices at each of ten positions, and none leads anywhere: 2047 nodes, not one walk for each way through.
    folders: list[list[str]] = [[]]
    for at in range(10):
        folders = [[*each, last] for each in folders for last in ("a", f"[p{at}]")]
    found = table(*("/" + "/".join([*each, "end"]) for each in folders))
    path = "/" + "/".join(["a"] * 10)

    assert found.match(path) is None
    assert found.match(path + "/end") is not None
    assert cpu_seconds(lambda: found.match(path + "/no")) < 0.005
