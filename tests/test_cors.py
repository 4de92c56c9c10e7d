from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application

from waypost.cors import cors
from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.testing import Client

APP = "https://app.example"


def answer(policy: Any, method: str = "GET", response: Response | None = None, **headers: str) -> Response:
    """What the policy makes of a response, called as middleware."""

    async def next(request: Request) -> Response:
        return response if response is not None else Response.json({})

    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return asyncio.run(policy(Request("http://api.example/", method=method, headers=fields), next))


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (APP, True),
        ("https://APP.example", False),  # browsers send lower case
        ("https://app.example.evil", False),
        ("https://app.example:8443", False),
        ("https://app.example:443", False),
        ("https://app.example/", False),
        ("https://app.example%60.evil", False),
        ("https://user@app.example", False),
        ("http://app.example", False),
        ("https://evil-app.example", False),
        ("https://[::1]", False),
        ("null", False),
        ("", False),
        (f"{APP}, https://other.example", False),
    ],
)
def test_an_origin_matches_exactly_or_not_at_all(origin: str, allowed: bool) -> None:
    got = answer(cors(origins=[APP]), origin=origin)
    assert got.headers.get("access-control-allow-origin") == (APP if allowed else None)
    assert got.headers.get("vary") == "Origin"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.example.com", True),
        ("https://a.b.example.com", True),
        ("https://example.com", False),
        ("https://evilexample.com", False),
        ("https://a.exampleXcom", False),
        ("https://a.example.com.evil", False),
        ("https://a/.example.com", False),
        ("https://@.example.com", False),
        ("https://.example.com", False),
        ("http://a.example.com", False),
    ],
)
def test_subdomains(origin: str, allowed: bool) -> None:
    got = answer(cors(origins="https://*.example.com", credentials=True), origin=origin)
    assert got.headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert got.headers.has("access-control-allow-credentials") == allowed


def test_a_pattern_has_to_match_the_whole_origin() -> None:
    policy = cors(origins=[re.compile(r"https://pr-\d+\.example\.com")])
    assert answer(policy, origin="https://pr-12.example.com").headers.has("access-control-allow-origin")
    for origin in ("https://pr-12.example.com.evil", "xhttps://pr-12.example.com", "https://pr-12.example.com\x00"):
        if "\x00" not in origin:
            assert not answer(policy, origin=origin).headers.has("access-control-allow-origin")


def test_any_origin_and_the_default_port() -> None:
    assert answer(cors(origins="*"), origin="https://x.y").headers.get("access-control-allow-origin") == "*"
    assert not answer(cors(origins="*"), origin="null").headers.has("access-control-allow-origin")
    assert answer(cors(origins="https://app.example:443"), origin=APP).headers.get("access-control-allow-origin") == APP


@pytest.mark.parametrize(
    "options",
    [
        {"origins": "*", "credentials": True},
        {"origins": "app.example"},
        {"origins": "https://app.example/"},
        {"origins": "https://app.*"},
        {"origins": [APP, "null"]},
        {"origins": [APP, 5]},
        {"origins": APP, "methods": ["GET\r\n"]},
        {"origins": APP, "headers": ["a b"]},
    ],
)
def test_what_can_not_work_is_a_startup_error(options: dict[str, Any]) -> None:
    with pytest.raises(StartupError) as caught:
        cors(**options)
    assert caught.value.remedy


def test_a_preflight_names_the_methods_of_the_route_and_the_headers_asked_for() -> None:
    policy = cors(origins=APP, credentials=True, max_age=60, private_network=True)
    got = answer(
        policy,
        "OPTIONS",
        Response(None, 204, {"allow": "GET, HEAD, OPTIONS, PUT"}),
        origin=APP,
        access_control_request_method="PUT",
        access_control_request_headers="content-type, x-a, b(d, ",
        access_control_request_private_network="true",
    )
    assert got.status == 204
    assert dict(got.headers.entries()) == {
        "access-control-allow-credentials": "true",
        "access-control-allow-headers": "content-type, x-a",
        "access-control-allow-methods": "GET, HEAD, OPTIONS, PUT",
        "access-control-allow-origin": APP,
        "access-control-allow-private-network": "true",
        "access-control-max-age": "60",
        "allow": "GET, HEAD, OPTIONS, PUT",
        "vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }


def test_a_preflight_of_a_stranger_gets_nothing_and_options_without_origin_is_no_preflight() -> None:
    policy = cors(origins=APP, methods=["PUT"], headers=["x-a"])
    got = answer(
        policy, "OPTIONS", Response(None, 204), origin="https://evil.example", access_control_request_method="PUT"
    )
    assert [name for name in got.headers if name.startswith("access-control")] == []
    assert answer(policy, "OPTIONS", Response("own")).payload == b"own"


def test_what_the_route_says_itself_stands() -> None:
    own = Response(None, 204, {"access-control-allow-origin": "https://other.example"})
    got = answer(cors(origins=APP), "OPTIONS", own, origin=APP, access_control_request_method="PUT")
    assert got.headers.get("access-control-allow-origin") == "https://other.example"
    assert "Origin" in (got.headers.get("vary") or "")
    assert own.headers.get("vary") is None


def test_vary_is_merged_and_exposed_headers_are_listed() -> None:
    policy = cors(origins=APP, expose=["x-total", "x-page"])
    got = answer(policy, response=Response("x", headers={"vary": "Accept, origin"}), origin=APP)
    assert got.headers.get("vary") == "Accept, origin"
    assert got.headers.get("access-control-expose-headers") == "x-total, x-page"


ROUTE = """
from waypost import Response
from waypost.cors import cors
allow = cors(origins=["https://app.example"])
@allow
async def PUT(request, context): return {"id": context.params["id"]}
@allow
def PATCH(request): return {"plain": True}
async def GET(): return {"open": False}
"""


def test_wrapped_handlers_and_their_preflights(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, {"app/[id]/route.py": ROUTE})) as client:
        got = client.put("/7", headers={"origin": APP})
        assert (got.json(), got.headers.get("access-control-allow-origin")) == ({"id": "7"}, APP)
        assert client.patch("/7", headers={"origin": APP}).json() == {"plain": True}
        assert client.get("/7", headers={"origin": APP}).headers.get("access-control-allow-origin") is None
        ask = {"origin": APP, "access-control-request-method": "PUT"}
        asked = client.options("/7", headers=ask)
        assert asked.headers.get("access-control-allow-methods") == "GET, HEAD, OPTIONS, PATCH, PUT"
        plain = client.options("/7", headers={**ask, "access-control-request-method": "GET"})
        assert plain.headers.get("access-control-allow-origin") is None
        assert plain.headers.get("allow") == "GET, HEAD, OPTIONS, PATCH, PUT"
        assert client.options("/nope/x", headers=ask).status == 404
