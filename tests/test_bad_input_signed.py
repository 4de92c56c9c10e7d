"""The rows of the list of bad inputs that are about tokens, webhooks and who is asking, against a real server."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import time
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from tests.test_bad_input import INPUTS, Running, refused

from waypost.webhooks import stripe

KEY, ISSUER, SECRET = "k" * 32, "https://issuer.example", "whsec_test"
NOW = int(time.time())
FAR = NOW + 86_400  # the tests may run much later than this module is read

PROJECT = {
    "app/pid/route.py": "import os\nasync def GET(): return {'pid': os.getpid()}\n",
    "app/me/route.py": f"""
from waypost.auth import Auth, TokenSessions
auth = Auth(TokenSessions({{"new": {KEY!r}}}, issuer={ISSUER!r}, audience="api"))
@auth.with_auth
async def GET(user): return {{"id": user["id"]}}
""",
    "app/hook/route.py": f"""
from waypost.webhooks import stripe
from waypost.webhooks.replay import MemoryReplay
verify, seen, effects = stripe.Verifier({SECRET!r}), MemoryReplay(), []
async def POST(request):
    event = await verify(request)
    async with seen.once(event["id"]) as first:
        if first: effects.append(event["id"])
    return {{"first": first}}
async def GET(): return effects
""",
    "app/limited/route.py": """
from waypost.ratelimit import RateLimiter
@RateLimiter(limit=5, window="1h")
async def GET(): return {"ok": True}
""",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("bad-input-signed"), PROJECT)
    yield running
    running.process.terminate()
    assert running.process.wait(15) == 0


@pytest.fixture(autouse=True)
def same_worker(server: Running) -> Iterator[None]:
    yield
    assert server.send("GET", "/pid")[2] == server.pid


# -- tokens


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(header: Any = None, payload: Any = None, key: str = KEY, hash: Any = hashlib.sha256, **claims: Any) -> str:
    """A good token but for what is said; a claim of None is left out."""
    if not isinstance(header, bytes):
        header = {"alg": "HS256", "typ": "JWT", "kid": "new", **(header or {})}
        header = {name: value for name, value in header.items() if value is not ...}
    if payload is None:
        payload = {"sub": "u1", "exp": FAR, "iat": NOW, "iss": ISSUER, "aud": "api", **claims}
        payload = {name: value for name, value in payload.items() if value is not None}
    signed = f"{part(header)}.{part(payload)}"
    return f"{signed}.{part(hmac.new(key.encode(), signed.encode(), hash).digest())}"


GOOD = token()
SIGNED, _, SIGNATURE = GOOD.rpartition(".")
DEEP: Any = 1
for _ in range(200):
    DEEP = [DEEP]

# The row → tokens that must be refused, and those of it that are sound.
TOKENS: dict[str, tuple[list[str], list[str]]] = {
    "alg none": ([token({"alg": "none"}), f"{part({'alg': 'none'})}.{GOOD.split('.')[1]}."], []),
    "alg None/nOnE": ([token({"alg": "None"}), token({"alg": "nOnE"})], []),
    "alg missing": ([token({"alg": ...})], []),
    "alg list": ([token({"alg": ["HS256"]}), token({"alg": ["HS256", "none"]})], []),
    "alg RS256 with HS key": ([token({"alg": "RS256"})], []),
    "signature of other token": ([f"{token(sub='u2').rpartition('.')[0]}.{SIGNATURE}"], []),
    "signature base64 with padding/whitespace/url-unsafe chars": (
        [f"{GOOD}=", f"{GOOD}==", f"{SIGNED}. {SIGNATURE}", f"{SIGNED}.+{SIGNATURE[1:]}", f"{SIGNED}./{SIGNATURE[1:]}"],
        [],
    ),
    "trailing dot part": ([f"{GOOD}.", f"{GOOD}.e30", f"{GOOD}.."], []),
    "header not JSON": ([token(b"no JSON"), token(b"[1"), token(b"\xff")], []),
    "kid path traversal": ([token({"kid": "../../../dev/null"}, key=""), token({"kid": "../new"})], []),
    "kid SQL": ([token({"kid": "new' OR '1'='1"}), token({"kid": "x' UNION SELECT 'a"}, key="a")], []),
    "crit empty list": ([token({"crit": []})], []),
    "b64 false": ([token({"b64": False}), token({"b64": False, "crit": ["b64"]})], []),
    "typ other": ([token({"typ": "JWE"}), token({"typ": "logout+jwt"})], []),
    "exp string": ([token(exp=str(FAR)), token(exp="9e99"), token(exp="")], []),
    "exp list": ([token(exp=[FAR]), token(exp=[]), token(exp={"a": FAR})], []),
    "iat future": ([token(iat=FAR)], []),
    "aud missing/wrong/list with one right": ([token(aud=None), token(aud="other")], [token(aud=["other", "api"])]),
    "iss wrong/substring/list": ([token(iss="https://evil.example"), token(iss=ISSUER[:-2]), token(iss=[ISSUER])], []),
    "sub non-string": ([token(sub=1), token(sub=["u1"]), token(sub={"id": "u1"}), token(sub=True)], []),
    "zip DEF bomb": ([token({"zip": "DEF"}, zlib.compress(b"a" * 1_000_000))], []),
    "deeply nested claim": ([token(payload=b"[" * 5_000)], [token(deep=DEEP)]),
    "token in query string": ([], []),  # its own test
    "two cookies same name": ([], []),  # its own test
    "token with leading 'Bearer '": ([f"Bearer {GOOD}"], []),
}


def test_every_row_about_tokens_has_its_tokens() -> None:
    assert list(TOKENS) == INPUTS["jwt_cases"]


@pytest.mark.parametrize("row", TOKENS)
def test_tokens(server: Running, row: str) -> None:
    bad, sound = TOKENS[row]
    for text in bad:
        for headers in ({"Authorization": f"Bearer {text}"}, {"Cookie": f"__Host-session={text}"}):
            refused(server.send("GET", "/me", **headers), 401)
    for text in (GOOD, *sound):
        for headers in ({"Authorization": f"Bearer {text}"}, {"Cookie": f"__Host-session={text}"}):
            assert server.send("GET", "/me", **headers)[::2] == (200, b'{"id":"u1"}')


def test_a_token_in_the_query_is_not_looked_at(server: Running) -> None:
    for name in ("access_token", "token", "__Host-session", "authorization"):
        refused(server.send("GET", f"/me?{name}={GOOD}"), 401)


def test_two_cookies_of_the_name_are_none(server: Running) -> None:
    for other in (GOOD, "x", token(sub="u2")):
        refused(server.send("GET", "/me", Cookie=f"__Host-session={GOOD}; __Host-session={other}"), 401)


# -- webhooks


def event(number: int) -> bytes:
    return b'{"id": "evt_%d", "type": "paid"}' % number


def deliver(server: Running, body: bytes, *signatures: str, **headers: str) -> tuple[int, Any]:
    lines = [f"Stripe-Signature: {value}\r\n" for value in signatures]
    fields = {"Host": "a", "Connection": "close", "Content-Length": str(len(body)), **headers}
    lines += [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items()]
    status, _, answer = server.ask(("POST /hook HTTP/1.1\r\n" + "".join(lines) + "\r\n").encode() + body)
    return status, json.loads(answer)


def stamp_of(signature: str) -> str:
    return signature.partition(",")[0]


def webhook_row(server: Running, row: str) -> list[tuple[int, Any]]:
    """The answers to the requests of a row. Event 1 is one that is never signed rightly."""
    body = event(1)
    good = stripe.sign(body, SECRET)
    wrong = {
        "no signature header": [()],
        "t only": [(stamp_of(good),), (f"{stamp_of(good)},v1=",)],
        "v1 wrong length": [(good[:-1],), (good + "0",), (good[:-32],)],
        "body changed 1 byte": [(stripe.sign(event(2), SECRET),)],
        "header twice": [(good, good), (good, "t=1,v1=00")],
        "header 64 KB": [(good + ",v0=" + "0" * 65_536,), (good + ",v1=0" * 13_000,)],
    }
    if row in wrong:
        return [deliver(server, body, *signatures) for signatures in wrong[row]]
    signed = {
        "body BOM": (b"\xef\xbb\xbf" + body, stripe.sign(body, SECRET)),  # the mark is not among what was signed
        "empty body valid signature": (b"", stripe.sign(b"", SECRET)),
        "compressed body": (gzip.compress(body), stripe.sign(gzip.compress(body), SECRET)),
    }
    content, signature = signed[row]
    return [deliver(server, content, signature, **({"Content_Encoding": "gzip"} if row[0] == "c" else {}))]


ACCEPTED_ROWS = ("body invalid UTF-8 (valid signature)", "replay same id")


@pytest.mark.parametrize("row", [row for row in INPUTS["webhook_cases"] if row not in ACCEPTED_ROWS])
def test_webhooks_that_are_refused(server: Running, row: str) -> None:
    answers = webhook_row(server, row)
    assert answers
    for status, answer in answers:
        assert status in ((400, 431) if row == "header 64 KB" else (400,)), answer
        assert set(answer) == {"error"}
    assert "evt_1" not in json.loads(server.send("GET", "/hook")[2])


def test_a_webhook_is_verified_over_its_bytes(server: Running) -> None:
    body = b'{"id": "evt_utf8", "name": "\xff\xfe"}'
    assert deliver(server, body, stripe.sign(body, SECRET)) == (200, {"first": True})
    # What a decoder makes of it is another body.
    status, _ = deliver(server, body.decode("utf-8", "replace").encode(), stripe.sign(body, SECRET))
    assert status == 400


def test_a_webhook_that_comes_again_has_no_effect(server: Running) -> None:
    body = event(3)
    signature = stripe.sign(body, SECRET)
    answers = [deliver(server, body, signature) for _ in range(3)]
    assert answers == [(200, {"first": True}), (200, {"first": False}), (200, {"first": False})]
    assert json.loads(server.send("GET", "/hook")[2]).count("evt_3") == 1


# -- who is asking


def test_no_forwarded_header_buys_another_limit(server: Running) -> None:
    statuses = []
    for value in INPUTS["x_forwarded_for"]:
        answer = server.send(
            "GET", "/limited", X_Forwarded_For=value, Forwarded=f"for={value[:40]}", X_Real_IP="9.9.9.9"
        )
        statuses.append(answer[0])
    assert statuses == [200] * 5 + [429] * (len(statuses) - 5)
