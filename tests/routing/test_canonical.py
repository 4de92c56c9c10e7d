from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from waypost.errors import InvalidPath
from waypost.routing.canonical import canonical_path, decode_path

Measure = Callable[[Callable[[], object]], float]

# What a client may send, with the pieces that matter made likely.
paths = st.lists(
    st.sampled_from(["/", "/", "a", "b.c", ".", "..", "%2e", "%2E.", "%2f", "\\", "%5c", ".well-known", "docs", "%"])
    | st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="?#"), max_size=3),
    max_size=8,
).map(lambda pieces: "/" + "".join(pieces))
bases = st.sampled_from(["", "/docs", "/a/b.c"])
settings = st.fixed_dictionaries({"trailing_slash": st.booleans(), "keep_slash": st.booleans(), "base_path": bases})


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/", "/"),
        ("/a", "/a"),
        ("/a/", "/a"),
        ("/a/b/", "/a/b"),
        ("/a//", "/a"),
        ("//", "/"),
        ("///a", "/a"),
        ("//a/b", "/a/b"),
        ("/a//b", "/a/b"),
        ("/a///b//", "/a/b"),
        ("/data.json/", "/data.json"),
        ("/.well-known/x/", "/.well-known/x"),
        ("/a\\b", "/a/b"),
        ("\\a", "/a"),
        ("/\\evil.example", "/evil.example"),
        ("/\\/evil.example/", "/evil.example"),
        ("//evil.example/", "/evil.example"),
        ("/a/.", "/a"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/..", "/"),
        ("/../../a", "/a"),
        ("/..//evil.example", "/evil.example"),
        ("/a/%2e/b", "/a/b"),
        ("/a/%2E%2e/b", "/b"),
        ("/a/.%2e/b", "/b"),
        ("/a/%2e./b", "/b"),
        ("/a/..;/b", "/a/..;/b"),
        ("/a/...", "/a/..."),
        ("/a/.b", "/a/.b"),
        ("/a/%2eb", "/a/%2eb"),
        ("/a/%252e%252e/b", "/a/%252e%252e/b"),
        ("/a/..%2fb", "/a/..%2fb"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%5Cb", "/a%5Cb"),
        ("/%2F%2Fevil.example/", "/%2F%2Fevil.example"),
        ("/%66ixed", "/%66ixed"),
    ],
)
def test_default(path: str, canonical: str) -> None:
    assert canonical_path(path) == (canonical if canonical != path else None)


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/", "/"),
        ("/a", "/a/"),
        ("/a/", "/a/"),
        ("/a/b//", "/a/b/"),
        ("/data.json", "/data.json"),
        ("/data.json/", "/data.json"),
        ("/v1.2/a", "/v1.2/a/"),
        ("/v1.2/a/", "/v1.2/a/"),
        # Neither a file name nor without a dot: served as it is asked for.
        ("/a/.dot", "/a/.dot"),
        ("/a/.dot/", "/a/.dot/"),
        ("/a.b-c", "/a.b-c"),
        ("/a.b-c/", "/a.b-c/"),
        ("/.well-known/x", "/.well-known/x"),
        ("/.well-known/x/", "/.well-known/x/"),
        ("/.well-known", "/.well-known"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
    ],
)
def test_trailing_slash(path: str, canonical: str) -> None:
    assert canonical_path(path, trailing_slash=True) == (canonical if canonical != path else None)


@pytest.mark.parametrize(
    ("path", "canonical"),
    [("/a", "/a"), ("/a/", "/a/"), ("/a//", "/a/"), ("//a", "/a"), ("/a/b/..", "/a/"), ("/", "/")],
)
@pytest.mark.parametrize("trailing_slash", [False, True])
def test_keep_slash(path: str, canonical: str, trailing_slash: bool) -> None:
    found = canonical_path(path, trailing_slash=trailing_slash, keep_slash=True)

    assert found == (canonical if canonical != path else None)


@pytest.mark.parametrize(
    ("path", "plain", "with_slash"),
    [
        ("/docs", "/docs", "/docs/"),
        ("/docs/", "/docs", "/docs/"),
        ("/docs/a", "/docs/a", "/docs/a/"),
        ("/docs/a/", "/docs/a", "/docs/a/"),
        ("/docs/.well-known/x", "/docs/.well-known/x", "/docs/.well-known/x"),
        # Outside of the base path the slash is not ours to judge.
        ("/docsline/", "/docsline/", "/docsline/"),
        ("/other", "/other", "/other"),
        ("/other//x", "/other/x", "/other/x"),
        ("/", "/", "/"),
    ],
)
def test_base_path(path: str, plain: str, with_slash: str) -> None:
    assert (canonical_path(path, base_path="/docs") or path) == plain
    assert (canonical_path(path, base_path="/docs", trailing_slash=True) or path) == with_slash


@pytest.mark.parametrize("path", ["*", "", "a/", "http://host/a/"])
def test_what_is_no_path_is_left_alone(path: str) -> None:
    assert canonical_path(path) is None


@pytest.mark.parametrize("path", ["/\t/evil.example/", "/\n/evil/", "/a b/", "/\x00/", "/\x7f/", "/é/", "/\r\nx: y/"])
def test_a_location_never_holds_what_a_browser_drops(path: str) -> None:
    with pytest.raises(InvalidPath):
        canonical_path(path)


@given(paths, settings)
@example("/\\\\//..//\\evil", {"trailing_slash": False, "keep_slash": False, "base_path": ""})
@example("/docs/..", {"trailing_slash": True, "keep_slash": False, "base_path": "/docs"})
def test_one_redirect_is_enough_and_stays_on_this_host(path: str, how: dict[str, object]) -> None:
    canonical = canonical_path(path, **how)  # type: ignore[arg-type]  # drawn by name

    if canonical is not None:
        assert canonical != path
        assert canonical_path(canonical, **how) is None  # type: ignore[arg-type]  # drawn by name
        assert canonical[0] == "/"
        assert canonical[1:2] not in ("/", "\\")
        assert "\\" not in canonical


@given(paths, settings)
def test_a_canonical_path_has_no_empty_and_no_dot_segments(path: str, how: dict[str, object]) -> None:
    canonical = canonical_path(path, **how) or path  # type: ignore[arg-type]  # drawn by name
    try:
        first, *segments = decode_path(canonical)
    except InvalidPath:
        return

    if segments[-1] == "":
        segments.pop()
    assert first == ""
    assert not {"", ".", ".."}.intersection(segments)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/", ["", ""]),
        ("/a/b", ["", "a", "b"]),
        ("/a%20b", ["", "a b"]),
        ("/a+b", ["", "a+b"]),
        ("/caf%C3%A9/%F0%9F%98%80", ["", "café", "😀"]),
        ("/100%25", ["", "100%"]),
        ("/%2541", ["", "%41"]),
        ("/a%2Fb/c%2fd", ["", "a/b", "c/d"]),
        ("/%2F%2f", ["", "//"]),
        ("/a\\b%41", ["", "a\\bA"]),
        ("/\\x41%41", ["", "\\x41A"]),
        ("/\\u0041%5Cn", ["", "\\u0041\\n"]),
        ("/%5C%5c", ["", "\\\\"]),
        ("/a%0Ab", ["", "a\nb"]),
        ("/%66ixed", ["", "fixed"]),
        ("/;=,@:!$&'()*~", ["", ";=,@:!$&'()*~"]),
        ("/%EF%BB%BF", ["", "\ufeff"]),
    ],
)
def test_decode(path: str, parts: list[str]) -> None:
    assert decode_path(path) == parts


@pytest.mark.parametrize(
    "path",
    [
        *("/%", "/%4", "/%zz", "/%+1", "/% 1", "/%1_", "/%u2215", "/a%", "/%2"),  # no two hexadecimal digits
        *("/%ff", "/%80", "/%c0%af", "/%ed%a0%80", "/%E0%A4%A", "/%f5%80%80%80", "/%C3/%A9", "/%C3%2F%A9"),  # no UTF-8
        *("/%00", "/a%00b", "/%2F%00", "/\x00", "/é", "/\u2026"),
    ],
)
def test_decode_refuses(path: str) -> None:
    with pytest.raises(InvalidPath) as caught:
        decode_path(path)

    assert caught.value.status == 400


@given(st.text(st.characters(max_codepoint=0x7E), max_size=30))
def test_decoding_agrees_with_a_plain_reading_of_the_rule(text: str) -> None:
    def plain(segment: str) -> str:
        octets = bytearray()
        at = 0
        while at < len(segment):
            if segment[at] == "%":
                digits = segment[at + 1 : at + 3]
                if len(digits) < 2 or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
                    raise ValueError
                octets.append(int(digits, 16))
                at += 3
            else:
                octets += segment[at].encode()
                at += 1
        if 0 in octets:
            raise ValueError
        return octets.decode("utf-8")

    path = "/" + text
    try:
        expected = [plain(segment) for segment in path.split("/")]
    except ValueError:
        with pytest.raises(InvalidPath):
            decode_path(path)
    else:
        assert decode_path(path) == expected


@pytest.mark.parametrize("unit", ["/", "a/", "%41", "%41/", "%2F", "../", "%2e%2e/", "\\", "/.", "%E6%97%A5"])
@pytest.mark.parametrize("function", [canonical_path, decode_path])
def test_a_long_path_costs_little(unit: str, function: Callable[[str], object], cpu_seconds: Measure) -> None:
    path = "/" + unit * (65536 // len(unit))

    assert cpu_seconds(lambda: function(path)) < 0.005
