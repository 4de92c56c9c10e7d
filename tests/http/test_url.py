from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import InvalidURLError
from waypost.http.url import URL, NextURL, URLSearchParams

PARTS = ("href", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash")


def cases(data):
    return [case for case in data if isinstance(case, dict)]


@pytest.mark.parametrize(
    ("file", "count"), [("wpt-url/urltestdata.json", 891), ("wpt-url/urltestdata-javascript-only.json", 1)]
)
def test_parsing_as_the_web_platform_tests_have_it(corpus, file, count):
    data = cases(corpus(file))
    assert len(data) == count
    wrong = []
    for case in data:
        url = URL.parse(case["input"], case["base"])
        assert URL.can_parse(case["input"], case["base"]) is (url is not None)
        if case.get("failure"):
            if url is not None:
                wrong.append(case)
            continue
        parts = [part for part in (*PARTS, "origin") if part in case]
        if url is None or {part: getattr(url, part) for part in parts} != {part: case[part] for part in parts}:
            wrong.append(case)
            continue
        assert str(url) == case["href"]
        assert url.search_params.to_string() == case.get("searchParams", url.search_params.to_string())
    assert wrong == []


def test_setters_as_the_web_platform_tests_have_it(corpus):
    data = corpus("wpt-url/setters_tests.json")
    wrong = []
    total = 0
    for part in PARTS:
        for case in data.get(part, []):
            total += 1
            url = URL(case["href"])
            assert url.search_params.to_string() is not None  # the linked fields must not disturb the setter
            setattr(url, part, case["new_value"])
            got = {key: getattr(url, key) for key in case["expected"]}
            if got != case["expected"]:
                wrong.append((part, case, got))
    assert total == 278
    assert wrong == []


def test_hosts_to_ascii_as_the_web_platform_tests_have_it(corpus):
    data = cases(corpus("wpt-url/toascii.json"))
    assert len(data) == 87
    wrong = []
    for case in data:
        url = URL.parse(f"https://{case['input']}/x")
        if (None if url is None else url.host) != case["output"]:
            wrong.append(case)
    assert wrong == []


def test_queries_in_a_url_as_the_web_platform_tests_have_it(corpus):
    for case in corpus("wpt-url/urlencoded-parser-data.json"):
        if "#" not in case["input"]:
            found = NextURL.from_parts("http", "h", "/", case["input"]).search_params.entries()
            assert found == [tuple(pair) for pair in case["output"]]


def test_relative_urls():
    base = URL("http://a/b/c/d;p?q")
    assert URL("../g", base).href == "http://a/b/g"
    assert URL("//other/x", "http://a/").href == "http://other/x"
    assert URL(base).href == base.href
    with pytest.raises(InvalidURLError, match="'/x' is not a URL"):
        URL("/x")
    with pytest.raises(InvalidURLError, match="with base 'mailto:a'"):
        URL("/x", "mailto:a")
    assert URL.parse("/x") is None
    for wrong in (None, b"http://a/", 5):
        with pytest.raises(TypeError):
            URL(wrong)


def test_parts():
    url = URL("HTTPS://user:pass@Example.COM:8443/a%2Fb/../c?q=1#frag")
    assert url.origin == "https://example.com:8443"
    assert (url.username, url.password, url.hostname, url.port) == ("user", "pass", "example.com", "8443")
    assert (url.pathname, url.search, url.hash) == ("/c", "?q=1", "#frag")
    assert str(url) == url.to_string() == url.to_json() == url.href
    assert repr(url) == f"URL({url.href!r})"
    url.port = 443
    assert url.host == "example.com"
    url.port = "no"
    url.protocol = "1"
    assert url.host == "example.com"
    url.hash = ""
    url.search = ""
    assert url.href == "https://user:pass@example.com/c"
    with pytest.raises(InvalidURLError):
        url.href = "nothing"
    assert url.href == "https://user:pass@example.com/c"
    for part in ("port", "pathname", "search", "hash", "protocol"):
        with pytest.raises(TypeError, match=part):
            setattr(url, part, None)


def test_search_params_and_url_follow_each_other():
    url = URL("http://a/?x=1&y=%FF#f")
    params = url.search_params
    assert url.href == "http://a/?x=1&y=%FF#f"
    assert params.get("y") == "\ufffd"
    params.append("z", "ä b")
    assert url.href == "http://a/?x=1&y=%EF%BF%BD&z=%C3%A4+b#f"
    assert url.search == "?x=1&y=%EF%BF%BD&z=%C3%A4+b"
    params.set("x", "2")
    url.pathname = "/p"
    assert url.href == "http://a/p?x=2&y=%EF%BF%BD&z=%C3%A4+b#f"
    url.search = "?n=1"
    assert params.entries() == [("n", "1")]
    params.append("m", "2")
    url.search = "last"
    assert str(params) == "last="
    assert url.search == "?last"
    url.href = "http://b/?k=v"
    assert params.entries() == [("k", "v")]
    assert url.search_params is params
    params.delete("k")
    assert url.href == "http://b/"


def test_no_reference_cycle_between_url_and_fields():
    import gc

    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            NextURL.from_parts("http", "h", "/", "a=1").search_params.set("b", "2")
            URL("http://h/?a=1").search_params.set("b", "2")
        assert gc.collect() == 0
    finally:
        gc.enable()


@given(st.text(max_size=30))
def test_what_parses_is_stable(text):
    url = URL.parse(text, "http://host/dir/")
    if url is not None:
        assert URL(url.href) == url


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=5))
def test_fields_survive_the_url(pairs):
    url = URL("http://h/#x")
    for name, value in pairs:
        url.search_params.append(name, value)
    assert URL(url.href).search_params.entries() == pairs
    assert url.hash == "#x"


def test_copies():
    url = URL("http://a/?x=1")
    for twin in (copy.copy(url), copy.deepcopy(url), pickle.loads(pickle.dumps(url))):
        twin.search_params.set("x", "2")
        twin.pathname = "/p"
        assert url.href == "http://a/?x=1"
        assert twin.href == "http://a/p?x=2"
    assert url == URL("HTTP://A?x=1")
    assert url != "http://a/?x=1"
    with pytest.raises(TypeError):
        hash(url)


# NextURL


def test_parts_of_a_request_stay_as_sent():
    url = NextURL.from_parts("http", "localhost:3000", "/a%2Fb/%2e%2e/c", "q=a%20b;c='&x=%FF")
    assert url.pathname == "/a%2Fb/%2e%2e/c"
    assert url.search == "?q=a%20b;c='&x=%FF"
    assert url.search_params.entries() == [("q", "a b;c='"), ("x", "\ufffd")]
    assert url.hash == ""
    assert url.base_path == ""
    # The serialised URL is the standard's, and asking for it changes nothing of what routing and middleware compare.
    assert url.href == "http://localhost:3000/c?q=a%20b;c=%27&x=%FF"
    assert url.pathname == "/a%2Fb/%2e%2e/c"
    assert url.search == "?q=a%20b;c='&x=%FF"
    assert (url.origin, url.host, url.hostname, url.port) == (
        "http://localhost:3000",
        "localhost:3000",
        "localhost",
        "3000",
    )


@pytest.mark.parametrize(
    ("path", "query", "href"),
    [
        ("/", "", "http://h/"),
        ("//evil.example/x", "", "http://h//evil.example/x"),
        ("/a#b", "c#d", "http://h/a%23b?c%23d"),
        ("*", "", "http://h/*"),
        ("", "", "http://h/"),
        ("/@evil.example", "@x", "http://h/@evil.example?@x"),
    ],
)
def test_no_request_target_moves_the_host(path, query, href):
    url = NextURL.from_parts("http", "h", path, query)
    assert url.href == href
    assert url.host == "h"


def test_nothing_is_parsed_until_it_is_needed():
    program = """
import sys
import waypost
from waypost.http.url import NextURL, URL
from waypost.http.host import valid_host
assert valid_host(b"example.com:80")
url = NextURL.from_parts("http", "h", "/docs/a", "q=1&x=%FF", "/docs")
url.search_params.set("z", 1)
twin = url.clone()
assert (url.pathname, twin.search, url.hash, url.base_path) == ("/a", "?q=1&x=%EF%BF%BD&z=1", "", "/docs")
assert twin.search_params.get("z") == "1"
assert "ada_url" not in sys.modules
assert twin.href == "http://h/docs/a?q=1&x=%EF%BF%BD&z=1"
assert "ada_url" in sys.modules
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_a_host_that_makes_no_url():
    url = NextURL.from_parts("http", "a b", "/x", "q=1")
    assert url.pathname == "/x"
    with pytest.raises(InvalidURLError):
        assert url.href


def test_clones_are_independent():
    for materialise in (False, True):
        url = NextURL.from_parts("http", "h", "/a%20b", "q=1")
        if materialise:
            assert url.href == "http://h/a%20b?q=1"
        url.search_params.append("r", "2")
        twin = url.clone()
        twin.pathname = "/x y"
        twin.search_params.set("k", "v w")
        twin.hash = "end"
        assert twin.href == "http://h/x%20y?q=1&r=2&k=v+w#end"
        assert twin.pathname == "/x%20y"
        assert twin.hash == "#end"
        assert url.href == "http://h/a%20b?q=1&r=2"
        assert url.pathname == "/a%20b"
        assert isinstance(twin, NextURL)


def test_search_of_a_request():
    url = NextURL.from_parts("http", "h", "/", "q=1")
    params = url.search_params
    url.search = "a b"
    assert url.search == "?a%20b"
    assert params.entries() == [("a b", "")]
    params.append("c", "d")
    assert url.search == "?a+b=&c=d"
    url.href = "http://other/p?z=1#f"
    assert (url.pathname, url.search, url.hash) == ("/p", "?z=1", "#f")
    assert params == URLSearchParams("z=1")


@pytest.mark.parametrize(
    ("path", "base_path", "pathname"),
    [
        ("/docs", "/docs", "/"),
        ("/docs/", "/docs", "/"),
        ("/docs/a%2Fb", "/docs", "/a%2Fb"),
        ("/docsline", "", "/docsline"),
        ("/other/docs", "", "/other/docs"),
    ],
)
def test_base_path(path, base_path, pathname):
    for url in (
        NextURL.from_parts("http", "h", path, "q=1", "/docs"),
        NextURL(f"http://h{path}?q=1", base_path="/docs"),
    ):
        assert url.base_path == base_path
        assert url.pathname == pathname
        assert url.href == f"http://h{path}?q=1"
        for twin in (url.clone(), copy.copy(url), copy.deepcopy(url), pickle.loads(pickle.dumps(url))):
            twin.pathname = "/x"
            assert twin.href == f"http://h{base_path}/x?q=1"
            assert twin.pathname == "/x"
        assert url.pathname == pathname


def test_setting_below_a_base_path():
    url = NextURL.from_parts("http", "h", "/docs/a", "", "/docs")
    url.pathname = "/../../x"
    assert url.href == "http://h/docs/x"
    url.pathname = "/"
    assert url.href == "http://h/docs"
    url.base_path = "api"
    assert url.href == "http://h/api"
    assert url.base_path == "/api"
    url.href = "http://h/apis"
    assert (url.base_path, url.pathname) == ("", "/apis")
    url.href = "http://h/api/y"
    assert (url.base_path, url.pathname) == ("/api", "/y")
    url.base_path = ""
    assert url.href == "http://h/y"


@pytest.mark.parametrize(
    ("url", "value", "href"),
    [
        ("http://h/a/", "/b", "http://h/b/"),
        ("http://h/a/?q=1", "/b/c", "http://h/b/c/?q=1"),
        ("http://h/a/", "/b/", "http://h/b/"),
        ("http://h/a/", "/b/data.json", "http://h/b/data.json"),
        ("http://h/a/", "/", "http://h/"),
        ("http://h/a/", "/v1.2/b", "http://h/v1.2/b/"),
        ("http://h/a", "/b", "http://h/b"),
        ("http://h/a", "/b/", "http://h/b/"),
        ("http://h/", "/b", "http://h/b"),
        ("http://h/docs/a/", "/b", "http://h/docs/b/"),
        ("http://h/docs/", "/b", "http://h/docs/b"),
    ],
)
def test_a_path_that_is_set_ends_as_the_one_before(url, value, href):
    changed = NextURL(url, base_path="/docs")
    changed.pathname = value
    assert changed.href == href
    whole = NextURL.from_parts(
        "http", "h", url.removeprefix("http://h").partition("?")[0], url.partition("?")[2], "/docs"
    )
    twin = whole.clone()
    twin.pathname = value
    assert twin.href == href
    assert whole.href == url
