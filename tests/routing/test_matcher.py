from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import InvalidPath
from waypost.routing.matcher import PathPattern, PathSet, spellings
from waypost.routing.regex_tree import PatternError

# pattern, path, parameters or null: what path-to-regexp 6.3 says with Next.js' options, and case-sensitive.
ORACLE = json.loads((Path(__file__).parents[1] / "data" / "path-patterns.json").read_text())
PATTERNS = sorted({pattern for pattern, _, _ in ORACLE})


def test_the_oracle_is_large_enough_to_mean_something() -> None:
    assert len(ORACLE) >= 200
    assert sum(values is not None for _, _, values in ORACLE) > 100


@pytest.mark.parametrize("pattern", PATTERNS)
def test_matching_and_captures_are_those_of_path_to_regexp(pattern: str) -> None:
    compiled = PathPattern(pattern)
    alone = PathSet([compiled])
    for _, path, values in (row for row in ORACLE if row[0] == pattern):
        assert compiled.match(path) == values, path
        assert alone.matches(path) == (values is not None), path


def test_many_patterns_in_one_set_match_what_each_matches() -> None:
    compiled = [PathPattern(pattern) for pattern in PATTERNS if pattern not in ("/:path*", "/:path+", "/(.*)")]
    together = PathSet(compiled)
    for _, path, _ in ORACLE:
        assert together.matches(path) == any(pattern.match(path) is not None for pattern in compiled), path


def test_an_empty_set_matches_nothing() -> None:
    assert not PathSet([]).matches("/")
    assert not PathSet([])


# What Next.js' own compiled matchers do: the catalogue of its behaviours, 175 to 187.
@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("/mw/exact", ["/mw/exact", "/mw/exact/"], ["/mw/exact/child", "/mw/exactx", "/MW/exact"]),
        ("/mw/one/:id", ["/mw/one/a", "/mw/one/a%2Fb"], ["/mw/one", "/mw/one/a/b"]),
        ("/mw/many/:path*", ["/mw/many", "/mw/many/a/b"], ["/mw/manyx"]),
        ("/mw/some/:path+", ["/mw/some/a", "/mw/some/a/b"], ["/mw/some", "/mw/some/"]),
        (
            "/mw/neg/((?!skip|static).*)",
            ["/mw/neg/a"],
            ["/mw/neg", "/mw/neg/skip", "/mw/neg/skipped", "/mw/neg/static/x"],
        ),
        ("/mw/wild/(.*)", ["/mw/wild/", "/mw/wild/a/b"], ["/mw/wild"]),
        ("/", ["/"], ["/a", "/index"]),
        ("/admin", ["/admin"], ["/admin-x", "/administrator", "/admin/x"]),
    ],
)
def test_next_matchers(pattern: str, matching: list[str], others: list[str]) -> None:
    paths = PathSet([PathPattern(pattern)])
    assert [path for path in matching if not paths.matches(path)] == []
    assert [path for path in others if paths.matches(path)] == []


def test_two_parameters_in_one_segment_take_what_path_to_regexp_gives_them() -> None:
    assert PathPattern("/mw/two/:a-:b").match("/mw/two/x-y-z") == {"a": "x-y", "b": "z"}


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/admin/:path*", "/%61dmin/x"),
        ("/admin/:path*", "/%61%64%6d%69%6E"),
        ("/admin/:path*", "/admin%2Fx"),
        ("/admin/:path*", "/admin%2f%2fx"),
        ("/admin/:path*", "/%61dmin%2Fx"),
        ("/p/:id", "/%70/a%2Fb"),
        ("/p/:id", "/p/%2F"),
        ("/café", "/caf%C3%A9"),
        ("/café", "/caf%c3%a9"),
        ("/caf%C3%A9", "/caf%c3%a9"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/café/:path*", "/caf%C3%A9%2Fx"),
        ("/a b", "/a%20b"),
        ("/a%20b", "/a%20b"),
        ("/a|b", "/a|b"),
        ("/a|b", "/a%7Cb"),
        ("/x/:name(.*\\.png)", "/x/a%2Fb%2Epng"),
        ("/100%25", "/100%25"),
    ],
)
def test_a_path_in_other_escapes_is_the_same_path(pattern: str, path: str) -> None:
    assert PathSet([PathPattern(pattern)]).matches(path)


@pytest.mark.parametrize("path", ["/%61pi/x", "/%2561pi/x", "/ap%69"])
def test_an_exclusion_never_excludes_more_in_other_escapes(path: str) -> None:
    # The router takes the first and the last for /api: the middleware may run too often, never too seldom.
    assert PathSet([PathPattern("/((?!api).*)")]).matches(path)


def test_escapes_are_decoded_once() -> None:
    assert not PathSet([PathPattern("/admin")]).matches("/%2561dmin")


@pytest.mark.parametrize("path", ["/%", "/%zz", "/%E0%A4%A", "/a%00b", "/%ff"])
def test_what_the_router_refuses_the_matcher_refuses(path: str) -> None:
    with pytest.raises(InvalidPath):
        PathSet([PathPattern("/:path*")]).matches(path)


def test_spellings_of_a_plain_path_are_one() -> None:
    assert spellings("/a/b.c~d") == ("/a/b.c~d",)
    assert spellings("/a%2Fb") == ("/a%2Fb", "/a/b")
    assert spellings("/%61%2fb") == ("/%61%2fb", "/a%2Fb", "/a/b")


def test_a_newline_is_no_end() -> None:
    # `$` of Python's re holds before a last line break; a guard for all paths must not end there.
    assert PathSet([PathPattern("/((?!x$).*)")]).matches("/x%0A")
    assert not PathSet([PathPattern("/admin")]).matches("/admin%0A")
    assert PathSet([PathPattern("/(.*)")]).matches("/a%0Ab")


def test_find_gives_values_that_can_stand_in_a_url() -> None:
    pattern = PathPattern("/p/:id")
    assert pattern.find("/%70/%61%2Fb", encoded=True) == {"id": "a%2Fb"}
    assert pattern.find("/p/caf%c3%a9") == {"id": "caf%c3%a9"}
    assert PathPattern("/p/:a/:b").find("/p/a%2Fb", encoded=True) is None
    assert PathPattern("/p/:a/:b").find("/p/a%2Fb") == {"a": "a", "b": "b"}


def test_a_base_path_stands_before_the_pattern() -> None:
    assert PathPattern("/", "/docs").match("/docs") == {}
    assert PathPattern("/", "/docs").match("/docs/") == {}
    assert PathPattern("/", "/docs").match("/") is None
    assert PathPattern("/api/:path*", "/docs").match("/docs/api/x") == {"path": ["x"]}
    assert PathPattern("/:path*", "/docs").match("/docsline") is None
    assert PathSet([PathPattern("/:path*", "/docs")]).matches("/docs")


def test_the_base_path_alone_is_what_a_slash_is_without_one() -> None:
    for source in ("/(.*)", "/((?!api).*)", "/:path(.*)", "/:path*", "/:path?", "/"):
        below, alone = PathPattern(source, "/docs"), PathPattern(source)
        assert below.match("/docs") == below.match("/docs/") == alone.match("/"), source
        assert PathSet([below]).matches("/docs") and not PathSet([below]).matches("/docsline")
    for source in ("/:name", "/:path+", "/(.+)", "/((?!).*)", "/docs"):
        assert PathPattern(source, "/docs").match("/docs") is None, source
        assert not PathSet([PathPattern(source, "/docs")]).matches("/docs")
    assert PathPattern("/(.*)").match("") is None


MISTAKES = [
    ("api", 0, "begins with a slash"),
    ("", 0, "begins with a slash"),
    ("/a/:", 3, "needs a name"),
    ("/a/(", 3, "never closed"),
    ("/a/(b", 3, "never closed"),
    ("/a/()", 3, "empty"),
    ("/a/(?:b)", 4, "can't begin"),
    ("/a/((b))", 4, "can't capture"),
    ("/a/((?<n>b))", 4, "can't capture"),
    ("/a)", 2, "closes nothing"),
    ("/a}", 2, "closes nothing"),
    ("/a{/b", 2, "never closed"),
    ("/a{/:b/:c}", 7, "between braces"),
    ("/{}", 1, "braces are empty"),
    ("/a*", 2, "nothing before it"),
    ("/a/*", 3, "nothing before it"),
    ("/a/:b(c)*d+", 10, "nothing before it"),
    ("/:a:b", 3, "text between"),
    ("/x-:a*", 5, "repeats"),
    ("/:a/:a", 4, "two parts"),
    ("/a\\", 2, "ends with a backslash"),
    ("/:a([b-a])", 5, "no order"),
    ("/:a([)", 3, "never closed"),
    ("/:a(b**)", 6, "nothing to repeat"),
    ("/:a(*b)", 4, "nothing to repeat"),
    ("/:a(b{3,1})", 5, "low to high"),
    ("/:a(\\1)", 4, "back-references"),
    ("/:a(\\q)", 4, "no escape"),
    ("/:a(\\x4)", 4, "hexadecimal"),
    ("/:a((?<=b)c)", 4, "look-behind"),
    ("/:a((?i)b)", 4, "not supported"),
    ("/:a(^b)", 4, "before the path begins"),
    ("/:a([^\\s\\S])", 4, "empty"),
    ("/" + "a" * 3000, 2000, "characters"),
]


@pytest.mark.parametrize(("pattern", "column", "words"), MISTAKES)
def test_a_mistake_is_refused_with_its_column(pattern: str, column: int, words: str) -> None:
    with pytest.raises(PatternError) as caught:
        PathPattern(pattern)
    assert (caught.value.column, words in caught.value.message) == (column, True), caught.value.message


SLOW = [
    "/:x((?:a+)+)",
    "/:x((?:a|a)*)",
    "/:x((?:a|ab|b)*)c",
    "/:x((?:a*)*)",
    "/:x((?:a?b?)*)c",
    "/:x([a-z]+[a-z]+\\d)",
    "/(.*)-(.*)x",
    "/:a*/x/:b*/y",
    "/:x((?:a?){40})c",
    "/:x((?:(?!.*z).)*)",
    "/:x((?:[^/]*-)*y)z(.*)w",
    "/(a|a)*",
    "/(.*)(.*)(.*)z",
    "/:x((?:\\w|\\d)+)!",
    "/((?:.*,)*)x",
]


@pytest.mark.parametrize("pattern", SLOW)
def test_a_pattern_that_an_input_could_make_slow_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        PathPattern(pattern)
    assert 0 < caught.value.column < len(pattern)


SIZE = 64 * 1024
# Long inputs that begin as something a pattern likes and end as something it does not.
UNITS = [
    "a", "a/", "a-", "-", "--", "--a", "a.", ".png", "x/edit/", "a/x/", "en/", "1", "1/", "%61", "%2F", "%C3%A9", "b/c",
    "html", "js", "a-b-", "api/", "settings/", "/settings/".strip("/") + "/x/", "ab", "_", "v1.", "~", "@a", "new-",
]  # fmt: skip
ATTACKS = [f"/{unit * (SIZE // len(unit))}{end}" for unit in UNITS for end in ("", "#", "%0A")]
HEADS = ["/mw/many/", "/mw/two/", "/post/", "/files/", "/u/", "/r/s"]
ATTACKS += [head + "a-" * (SIZE // 2) + "#" for head in HEADS] + ["/r" + "/s" * (SIZE // 2) + "x"]


def fastest(work: Callable[[], object], enough: float) -> float:
    """Seconds of processor time of the best run; other programs on the machine cost up to thirty tries."""
    best = 1.0
    for _ in range(30):
        began = time.thread_time()
        work()
        best = min(best, time.thread_time() - began)
        if best < enough:
            break
    return best


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_path_makes_a_pattern_slow(pattern: str) -> None:
    """Three times what they take on a quiet machine at most; more than linear would be a hundred times and more."""
    assert fastest(lambda: PathPattern(pattern), 0.030) < 0.030
    paths = PathSet([PathPattern(pattern)])
    for path in ATTACKS:
        # A path with escapes has up to three spellings, and its decoding takes a millisecond.
        for spelling in spellings(path):
            assert fastest(lambda: paths._matches(spelling), 0.015) < 0.015, path[:20]  # noqa: B023  # called at once
        assert fastest(lambda: paths.matches(path), 0.036) < 0.036, path[:20]  # noqa: B023


@pytest.mark.parametrize("seed", range(20))
def test_random_patterns_are_refused_or_linear(seed: int) -> None:
    """Twice the input never takes four times as long: what the checks let through is not quadratic."""
    chance = random.Random(seed)
    pieces = [
        "/x",
        "/:{n}",
        "/:{n}*",
        "/:{n}(.*)",
        "/:{n}([ab]+)",
        "-:{n}([a-z]+)",
        "/((?!ab).*)",
        "{{-:{n}}}?",
        "/(a|ab)*",
        "x",
    ]
    found = 0
    while found < 10:
        text = "/" + "".join(chance.choice(pieces).format(n=f"p{i}") for i in range(chance.randint(1, 4))).lstrip("/")
        try:
            paths = PathSet([PathPattern(text)])
        except PatternError:
            continue
        found += 1
        unit = "".join(chance.choice(["a", "b", "ab", "x", "/", "a/", "-"]) for _ in range(3)).strip("/") or "a"
        path = "/" + unit * (SIZE // len(unit)) + chance.choice(["#", "/", "", "-!"])
        assert fastest(lambda: paths.matches(path), 0.01) < 0.01, (text, path[:20])  # noqa: B023  # called at once


@given(st.text(alphabet="/:ab(){}*+?\\.-|[]^$0", max_size=14).map(lambda text: "/" + text))
def test_any_text_is_a_pattern_or_a_mistake_with_a_place(text: str) -> None:
    try:
        PathSet([PathPattern(text)]).matches("/a/b-a.a")
    except PatternError as error:
        assert 0 <= error.column <= len(text)
        assert error.message
