from __future__ import annotations

import pytest

from waypost.cache.entry import NEVER
from waypost.cache.lifetimes import Lifetime
from waypost.cache.policy import YEAR, cache_control, complete, entity_tag, pause_after_failure, why_not_stored


def fields(**values: str) -> list[tuple[bytes, bytes]]:
    return [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in values.items()]


@pytest.mark.parametrize("status", [200, 203, 300, 301, 302, 303, 307, 308, 404, 410])
def test_answers_about_the_resource_are_stored(status: int) -> None:
    assert why_not_stored(status, []) is None


@pytest.mark.parametrize(
    "status", [201, 202, 204, 205, 206, 304, 400, 401, 403, 405, 409, 413, 429, 500, 502, 503, 599]
)
def test_answers_about_one_request_client_or_moment_are_not(status: int) -> None:
    assert why_not_stored(status, []) == f"status {status}"


@pytest.mark.parametrize(
    "header",
    [
        {"set_cookie": "a=1"},
        {"set_cookie": ""},
        {"cache_control": "private"},
        {"cache_control": "PRIVATE"},
        {"cache_control": "public, max-age=60 , Private"},
        {"cache_control": 'private="x-user"'},
        {"cache_control": "max-age=60,no-store"},
        {"cache_control": "No-Store"},
        {"cache_control": "no-cache"},
        {"cache_control": 'no-cache="set-cookie"'},
        {"cache_control": 'max-age="1,2", private'},
        {"vary": "*"},
        {"vary": " * "},
        {"vary": "Accept, *"},
        {"vary": "Cookie"},
        {"vary": "Accept-Language,  cookie "},
        {"vary": "Authorization"},
        {"vary": "accept,AUTHORIZATION"},
    ],
)
def test_what_belongs_to_one_client_is_not_stored(header: dict[str, str]) -> None:
    assert why_not_stored(200, fields(content_type="text/plain", **header)) is not None


@pytest.mark.parametrize(
    "header",
    [
        {"cache_control": "public, max-age=60"},
        {"cache_control": "max-age=0, must-revalidate"},
        {"cache_control": 'x="private, no-store"'},
        {"cache_control": "x-private, not-no-store"},
        {"cache_control": ""},
        {"vary": "Accept-Language"},
        {"vary": ""},
        {"vary": "X-Cookie, Proxy-Authorization"},
        {"content_type": "private"},
    ],
)
def test_what_only_looks_like_it_is_stored(header: dict[str, str]) -> None:
    assert why_not_stored(200, fields(**header)) is None


def test_every_field_of_a_repeated_name_counts() -> None:
    twice = [(b"cache-control", b"public"), (b"cache-control", b"private")]
    assert why_not_stored(200, twice) == "Cache-Control: private"
    assert why_not_stored(200, [(b"vary", b"accept"), (b"vary", b"cookie")]) == "Vary: cookie"


@pytest.mark.parametrize(
    ("lifetime", "expected"),
    [
        (Lifetime(), b"s-maxage=31536000"),
        (Lifetime(60, YEAR), b"s-maxage=60, stale-while-revalidate=31535940"),
        (Lifetime(2, YEAR), b"s-maxage=2, stale-while-revalidate=31535998"),
        (Lifetime(60, NEVER), b"s-maxage=60, stale-while-revalidate=31535940"),
        (Lifetime(60, 60), b"s-maxage=60"),
        (Lifetime(60, 30), b"s-maxage=30"),
        (Lifetime(NEVER, 30), b"s-maxage=30"),
        (Lifetime(86400, 604800), b"s-maxage=86400, stale-while-revalidate=518400"),
    ],
)
def test_cache_control_as_next_sends_it(lifetime: Lifetime, expected: bytes) -> None:
    assert cache_control(lifetime) == expected


def test_an_entity_tag_is_strong_and_differs_with_body_and_kind() -> None:
    kind = fields(content_type="text/plain")
    tag = entity_tag(kind, b"hello")
    assert tag == entity_tag([*kind, (b"x-other", b"1")], b"hello")
    assert tag[:1] == tag[-1:] == b'"' and len(tag) == 26
    others = [
        entity_tag(kind, b"hellp"),
        entity_tag(fields(content_type="text/html"), b"hello"),
        entity_tag([], b"hello"),
        entity_tag([*kind, (b"content-encoding", b"br")], b"hello"),
    ]
    assert len({tag, *others}) == 5


def test_headers_are_completed_and_never_overridden() -> None:
    own = fields(etag='"mine"', cache_control="max-age=5")
    assert complete(own, b"x", Lifetime()) == tuple(own)
    made = dict(complete(fields(content_type="a/b"), b"x", Lifetime(60, YEAR)))
    assert made[b"cache-control"].startswith(b"s-maxage=60,") and made[b"etag"]


def test_what_a_cache_or_server_says_itself_is_not_stored() -> None:
    kept = complete(fields(cache_status="other; hit", content_length="7", x="1"), b"x", Lifetime())
    assert {name for name, _ in kept} == {b"x", b"cache-control", b"etag"}


@pytest.mark.parametrize(("revalidate", "pause"), [(1, 3), (3, 3), (10, 10), (60, 30), (NEVER, 30), (0, 3)])
def test_a_failed_refresh_waits_between_3_and_30_seconds(revalidate: float, pause: float) -> None:
    assert pause_after_failure(revalidate) == pause
