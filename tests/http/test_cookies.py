from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.http.cookies import (
    Cookie,
    CookieStore,
    RequestCookies,
    ResponseCookies,
    parse_cookie_header,
    render_set_cookie,
)
from waypost.http.request import Request

GONE = "Expires=Thu, 01 Jan 1970 00:00:00 GMT"
TOKENS = st.text(alphabet="abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=12)


def sending(cookie):
    return Request("http://localhost/", headers={"cookie": cookie})


# Reading


def test_every_case_of_the_http_state_group(corpus):
    data = corpus("http-state-cookies.json")
    assert len(data) == 134
    wrong = []
    for case in data:
        pairs = [(cookie["name"], cookie["value"]) for cookie in case["sent"]]
        header = "; ".join(f"{name}={value}" for name, value in pairs).encode("utf-8").decode("latin-1")
        got = parse_cookie_header(header)
        listed = [(cookie.name, cookie.value) for cookie in RequestCookies(header).get_all()]
        if got != pairs or listed != pairs:
            wrong.append((case, got))
    assert wrong == []


@pytest.mark.parametrize(
    ("header", "pairs"),
    [
        ("a=1; b=2", [("a", "1"), ("b", "2")]),
        ("a=1;b=2", [("a", "1"), ("b", "2")]),
        ("a=b=c==", [("a", "b=c==")]),
        ("a=1+1", [("a", "1+1")]),
        ('a={"k":1}', [("a", '{"k":1}')]),
        ('a="x y"', [("a", '"x y"')]),
        ("a=x%20y%C3%A9", [("a", "x yé")]),
        ("%61=1", [("%61", "1")]),
        ("a=caf\xc3\xa9", [("a", "café")]),
        ("a=caf\xe9", [("a", "caf\xe9")]),
        ("a=\xc3\xa9%20\xc3\xa9", [("a", "é é")]),
        ("bad=100%; a=1; worse=%ff", [("a", "1")]),
        ("bad[x]=2; a=1", [("bad[x]", "2"), ("a", "1")]),
        ("flag; a=1", [("a", "1")]),
        ("=x; a=1", [("a", "1")]),
        (" = ; a = 1 ;", [("a", "1")]),
        ("a=1; a=2", [("a", "1"), ("a", "2")]),
        ("a=", [("a", "")]),
        ("", []),
        (";;;", []),
        ("$Version=1; a=1", [("$Version", "1"), ("a", "1")]),
    ],
)
def test_parse(header, pairs):
    assert parse_cookie_header(header) == pairs


def test_a_nameless_cookie_does_not_pose_as_another():
    header = "=__Host-session=evil; \xa0__Host-session=evil; __Host-session=good"
    assert RequestCookies(header)["__Host-session"].value == "good"


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_parse_never_raises(header):
    cookies = RequestCookies(header)
    assert [(cookie.name, cookie.value) for cookie in cookies.get_all()] == parse_cookie_header(header)
    assert parse_cookie_header(cookies.to_string()) == parse_cookie_header(header)


@pytest.mark.parametrize("text", ['"\\', ";", "=", "a=;", "%", 'a="', ",", " ", "a=%41;", "a=\xff;"])
def test_64_kib_take_no_time(text):
    header = text * (65536 // len(text))
    start = time.process_time()
    parse_cookie_header(header)
    # 22,000 cookies of three bytes are the most there can be.
    assert time.process_time() - start < (0.02 if text == '"\\' else 0.1)


def test_request_cookies():
    cookies = RequestCookies("a=1; b=2; a=3")
    assert cookies.get("a") == Cookie("a", "1")
    assert cookies.get("none") is None
    assert cookies.get_all() == [Cookie("a", "1"), Cookie("b", "2"), Cookie("a", "3")]
    assert cookies.get_all("a") == [Cookie("a", "1"), Cookie("a", "3")]
    assert cookies.has("b")
    assert not cookies.has("c")
    assert cookies.size == len(cookies) == 2
    assert list(cookies) == cookies.keys() == ["a", "b"]
    assert cookies.values() == [Cookie("a", "1"), Cookie("b", "2")]
    assert dict(cookies) == dict(cookies.items()) == {"a": Cookie("a", "1"), "b": Cookie("b", "2")}
    assert "a" in cookies
    assert "c" not in cookies
    with pytest.raises(KeyError):
        cookies["c"]
    assert str(cookies) == cookies.to_string() == "a=1; b=2; a=3"


def test_changes_of_request_cookies():
    headers = []
    cookies = RequestCookies('a=1; q="x y"; b=2; a=3', on_change=headers.append)
    assert cookies.set("a", "ä;").set("k", "v") is cookies
    assert headers == ['a=%C3%A4%3B; q="x y"; b=2', 'a=%C3%A4%3B; q="x y"; b=2; k=v']
    assert cookies.get_all("a") == [Cookie("a", "ä;")]
    assert cookies.delete("b", "k")
    assert not cookies.delete("b")
    cookies.set(Cookie("c", "1")).set({"name": "d", "value": "2"})
    assert cookies.to_string() == 'a=%C3%A4%3B; q="x y"; c=1; d=2'
    assert headers[-1] == cookies.to_string()
    assert cookies.clear().size == 0
    assert headers[-1] == ""
    for name in ("a b", "a;b", "a=b", "", "é", "a\r\n"):
        with pytest.raises(ValueError, match="cookie name"):
            cookies.set(name, "x")
    with pytest.raises(TypeError, match="NoneType"):
        cookies.set("a")
    assert cookies.size == 0


def test_values_do_not_show_in_a_repr():
    assert "secret" not in repr(RequestCookies("a=secret")) + repr(ResponseCookies(["a=secret"]))
    assert "secret" not in repr(CookieStore(sending("a=secret")))


# Writing


def one(*args, **options):
    return ResponseCookies().set(*args, **options).lines()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({}, "k=v; Path=/"),
        ({"path": "/sub"}, "k=v; Path=/sub"),
        ({"path": None}, "k=v"),
        ({"expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)}, "k=v; Path=/; Expires=Wed, 02 Jan 2030 03:04:05 GMT"),
        (
            {"expires": datetime(2030, 1, 2, 5, 4, 5, 999999, tzinfo=timezone(timedelta(hours=2)))},
            "k=v; Path=/; Expires=Wed, 02 Jan 2030 03:04:05 GMT",
        ),
        ({"expires": 1893553445}, "k=v; Path=/; Expires=Wed, 02 Jan 2030 03:04:05 GMT"),
        ({"expires": 0.9}, f"k=v; Path=/; {GONE}"),
        ({"max_age": 0}, "k=v; Path=/; Max-Age=0"),
        ({"max_age": timedelta(0)}, "k=v; Path=/; Max-Age=0"),
        ({"same_site": "strict"}, "k=v; Path=/; SameSite=strict"),
        ({"same_site": "Lax"}, "k=v; Path=/; SameSite=Lax"),
        ({"same_site": True}, "k=v; Path=/; SameSite=strict"),
        ({"same_site": False}, "k=v; Path=/"),
        ({"same_site": "none", "secure": True}, "k=v; Path=/; Secure; SameSite=none"),
        ({"partitioned": True, "secure": True}, "k=v; Path=/; Secure; Partitioned"),
        ({"priority": "high", "http_only": True}, "k=v; Path=/; HttpOnly; Priority=high"),
        ({"domain": ".example.com"}, "k=v; Path=/; Domain=.example.com"),
    ],
)
def test_attributes(options, line):
    assert one("k", "v", **options) == [line]
    assert one({"name": "k", "value": "v", **options}) == [line]
    assert one(name="k", value="v", **options) == [line]


def test_all_attributes_in_order():
    [line] = one(
        "k", "v", priority="high", partitioned=True, same_site="strict", http_only=True, secure=True,
        domain="example.com", max_age=3600, expires=5, path="/sub",
    )  # fmt: skip
    pattern = (
        r"k=v; Path=/sub; Expires=(\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT); Max-Age=3600; Domain=example\.com; "
        r"Secure; HttpOnly; SameSite=strict; Partitioned; Priority=high"
    )
    found = re.fullmatch(pattern, line)
    assert found
    expires = datetime.strptime(found[1], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert abs(expires - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=10)


def test_a_very_long_life():
    assert one("k", "v", max_age=10**15) == [
        "k=v; Path=/; Expires=Fri, 31 Dec 9999 23:59:59 GMT; Max-Age=1000000000000000"
    ]


def test_value_is_escaped():
    assert one("k", 'a b;c=d,"e" é%') == ["k=a%20b%3Bc%3Dd%2C%22e%22%20%C3%A9%25; Path=/"]
    assert one("k", "a\r\nSet-Cookie: x=y\0") == ["k=a%0D%0ASet-Cookie%3A%20x%3Dy%00; Path=/"]
    assert one("k", "") == ["k=; Path=/"]


@given(TOKENS, st.text(max_size=50))
def test_what_is_set_comes_back(name, value):
    [line] = ResponseCookies().set(name, value, path=None).lines()
    assert parse_cookie_header(line) == [(name, value)]
    assert RequestCookies(line).get(name) == Cookie(name, value)
    assert RequestCookies().set(name, value).to_string() == line


BAD_TEXT = ["a; Path=/", "a,b", "a b", "é", "\0", "\t", "\r", "\n", "a\r\nb", "ok\n", "x" * 5000]


@pytest.mark.parametrize("field", ["name", "domain", "path", "same_site", "priority"])
@pytest.mark.parametrize("text", [*BAD_TEXT, "a=b"])
def test_no_field_can_break_out_of_the_line(field, text):
    if field == "path":
        text = "/" + text
        if text == "/a=b":
            return
    cookies = ResponseCookies().set("before", "1")
    store = CookieStore(sending("before=1"))
    fields = {"name": "k", "value": "v", field: text}
    for target in (cookies, store):
        with pytest.raises(ValueError):
            target.set(fields)
        with pytest.raises(ValueError):
            target.delete({"name": "k", field: text})
    assert cookies.lines() == ["before=1; Path=/"]
    assert not store.changed
    assert store.get_all() == [Cookie("before", "1")]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"httpOnly": True}, "write http_only"),
        ({"colour": "red"}, "no option 'colour'"),
        ({"value": None}, "value of cookie 'k' must be a str, not NoneType"),
        ({"value": 1}, "not int"),
        ({"name": None}, "name must be a str"),
        ({"path": 1}, "path must be a str"),
        ({"domain": b"a"}, "domain must be a str"),
        ({"priority": 1}, "priority must be a str"),
        ({"same_site": 1}, "same_site must be a str"),
        ({"max_age": "60"}, "max_age must be an int"),
        ({"max_age": True}, "max_age must be an int"),
        ({"max_age": 1.5}, "max_age must be an int"),
        ({"expires": "tomorrow"}, "expires must be a datetime"),
        ({"secure": "false"}, "secure must be a bool"),
    ],
)
def test_wrong_types(options, error):
    with pytest.raises(TypeError, match=error):
        ResponseCookies().set({"name": "k", "value": "v", **options})


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"name": ""}, "cookie name"),
        ({"value": "x" * 4096}, "longer than 4096"),
        ({"value": "é" * 800}, "longer than 4096"),
        ({"value": "\ud800"}, "surrogates"),
        ({"max_age": -1}, "negative"),
        ({"expires": datetime(2030, 1, 1)}, "time zone"),
        ({"expires": 1893553445000}, "not milliseconds"),
        ({"expires": float("nan")}, "out of range"),
        ({"expires": datetime(1600, 1, 1, tzinfo=UTC)}, "out of range"),
        ({"path": "sub"}, "path"),
        ({"path": ""}, "path"),
        ({"domain": "https://example.com"}, "domain"),
        ({"domain": "example.com:80"}, "domain"),
        ({"domain": "-a.example"}, "domain"),
        ({"domain": "a..b"}, "domain"),
        ({"domain": ""}, "domain"),
        ({"same_site": "loose"}, "lax, strict, none"),
        ({"priority": "urgent"}, "low, medium, high"),
        ({"same_site": "none"}, "needs secure=True"),
        ({"partitioned": True}, "needs secure=True"),
        ({"name": "__Secure-k"}, "needs secure=True"),
        ({"name": "__host-k", "secure": True, "path": "/a"}, "needs path='/'"),
        ({"name": "__Host-k", "secure": True, "domain": "a.com"}, "needs path='/'"),
    ],
)
def test_wrong_values(options, error):
    cookies = ResponseCookies()
    with pytest.raises(ValueError, match=error):
        cookies.set({"name": "k", "value": "v", **options})
    assert cookies.lines() == []


def test_wrong_calls():
    for call in (
        lambda: ResponseCookies().set("k"),
        lambda: ResponseCookies().set({"name": "k"}),
        lambda: ResponseCookies().set({"name": "k", "value": "v"}, "w"),
        lambda: ResponseCookies().set(Cookie("k", "v"), secure=True),
        lambda: ResponseCookies().set(5, "v"),
        lambda: ResponseCookies().delete(None),
    ):
        with pytest.raises(TypeError):
            call()


def test_each_name_once_in_the_first_place():
    cookies = ResponseCookies()
    assert cookies.set("a", "1").set("b", "2").set("a", "3", http_only=True) is cookies
    assert cookies.lines() == ["a=3; Path=/; HttpOnly", "b=2; Path=/"]
    assert cookies.get("a") == Cookie("a", "3", path="/", http_only=True)
    assert cookies.get("c") is None
    assert [cookie.name for cookie in cookies.get_all()] == list(cookies) == ["a", "b"]
    assert cookies.get_all("b") == [Cookie("b", "2", path="/")] == [cookies["b"]]
    assert cookies.has("b") and "b" in cookies and "c" not in cookies
    assert len(cookies) == 2
    with pytest.raises(KeyError):
        cookies["c"]


def test_delete():
    assert ResponseCookies().set("k", "v").delete("k").lines() == [f"k=; Path=/; {GONE}"]
    gone = {"name": "k", "path": "/p", "domain": "example.com"}
    assert ResponseCookies().delete(gone).lines() == [f"k=; Path=/p; {GONE}; Domain=example.com"]
    assert ResponseCookies().delete("k", path="/p").lines() == [f"k=; Path=/p; {GONE}"]
    assert ResponseCookies().delete(Cookie("k", "v", path="/p", max_age=5)).lines() == [f"k=; Path=/p; {GONE}"]
    assert ResponseCookies().delete(Cookie("k", "v")).lines() == [f"k=; Path=/; {GONE}"]
    assert gone == {"name": "k", "path": "/p", "domain": "example.com"}


def test_delete_of_a_cookie_that_browsers_only_take_with_secure():
    assert ResponseCookies().delete("__Host-s").lines() == [f"__Host-s=; Path=/; {GONE}; Secure"]
    assert ResponseCookies().delete("__Secure-s").lines() == [f"__Secure-s=; Path=/; {GONE}; Secure"]
    assert ResponseCookies().delete("k", partitioned=True).lines() == [f"k=; Path=/; {GONE}; Secure; Partitioned"]


def test_lines_that_the_response_has_already():
    lines = ["a=1; Path=/x; HttpOnly; Foo=bar", "b=%20; SameSite=Lax; max-age=5", "a=2; domain=a.com; SECURE", "odd"]
    cookies = ResponseCookies(lines)
    assert cookies.lines() == lines
    assert cookies.get("a") == Cookie("a", "1", path="/x", http_only=True)
    assert cookies.get_all("a")[1] == Cookie("a", "2", domain="a.com", secure=True)
    assert cookies.get("b") == Cookie("b", " ")
    cookies.set("a", "3")
    assert cookies.lines() == ["a=3; Path=/", lines[1], "odd"]


def test_render_checks_a_cookie_made_by_hand():
    assert render_set_cookie(Cookie("a", "b c")) == "a=b%20c"
    with pytest.raises(ValueError, match="path"):
        render_set_cookie(Cookie("a", "b", path="/;x"))


# The store of cookies()


def test_reads_see_the_writes_before_them():
    request = sending("k=old; a=1")
    sent = request.cookies
    store = CookieStore(request)
    assert not store.changed
    assert store.lines() == []
    assert store.set("k", "new", http_only=True).delete("a") is store
    assert store.changed
    assert store.get("k") == Cookie("k", "new")
    assert store.get_all() == [Cookie("k", "new")]
    assert not store.has("a")
    assert store.get("a") is None
    assert store.lines() == ["k=new; Path=/; HttpOnly", f"a=; Path=/; {GONE}"]
    store.set("a", "again").delete("never-sent")
    assert store["a"].value == "again"
    assert store.lines() == [
        "k=new; Path=/; HttpOnly",
        "a=again; Path=/",
        f"never-sent=; Path=/; {GONE}",
    ]
    assert sent.to_string() == "k=old; a=1"


def test_the_store_is_a_mapping_and_can_be_awaited():
    async def handler():
        store = CookieStore(sending("a=1; b=2"))
        assert await store is store
        assert await store is store
        return await store

    store = asyncio.run(handler())
    assert list(store) == store.keys() == ["a", "b"]
    assert dict(store) == dict(store.items())
    assert [cookie.value for cookie in store.values()] == ["1", "2"]
    assert store.size == len(store) == 2
    assert "a" in store
    assert str(store) == store.to_string() == "a=1; b=2"


def test_a_store_that_can_only_be_read():
    store = CookieStore(sending("a=1"), writable=False)
    for change in (lambda: store.set("a", "2"), lambda: store.delete("a")):
        with pytest.raises(TypeError, match="route handler or middleware"):
            change()
    assert not store.changed
    store = CookieStore(sending("a=1")).set("b", "2")
    store.freeze("the headers have been sent")
    with pytest.raises(TypeError, match="the headers have been sent"):
        store.set("c", "3")
    assert store.lines() == ["b=2; Path=/"]
    assert not store.has("c")
