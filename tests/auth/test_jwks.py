"""Keys of an identity provider: fetched, changed, withheld, forged; from a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from waypost.auth import JWKS, KeysUnavailable, Session, TokenSessions
from waypost.auth import jwks as module
from waypost.errors import StartupError

CLAIMS = {"sub": "u1", "exp": int(time.time()) + 86_400, "iss": "https://issuer.example", "aud": "api"}
RSA = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
SHORT = rsa.generate_private_key(65537, 1024)
EC, ED = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()


def published(key: Any, kid: Any, algorithm: str = "RS256", **changes: Any) -> dict[str, Any]:
    item = {**jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
    item = {**item, **changes}
    return {name: value for name, value in item.items() if value is not ...}


def token(key: Any, kid: str | None, algorithm: str = "RS256") -> str:
    return jwt.encode(CLAIMS, key, algorithm=algorithm, headers={} if kid is None else {"kid": kid})


class Provider:
    """Publishes `keys`; answer, status, raw and delay say otherwise."""

    def __init__(self) -> None:
        self.keys: list[Any] = []
        self.answer: bytes | None = None
        self.status = 200
        self.raw: bytes | None = None
        self.delay = 0.0
        self.asked = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                time.sleep(provider.delay)
                if provider.raw is not None:
                    self.wfile.write(provider.raw)
                    self.close_connection = True
                    return
                body = provider.answer if provider.answer is not None else json.dumps({"keys": provider.keys}).encode()
                self.send_response(provider.status)
                if provider.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                with contextlib.suppress(OSError):  # nobody waits any more
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/jwks.json"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def sessions(self, algorithm: str = "RS256", **settings: Any) -> TokenSessions:
        keys = JWKS(self.url, **settings)
        return TokenSessions(keys, algorithm=algorithm, issuer="https://issuer.example", audience="api")


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.server.shutdown()
    provider.server.server_close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the time that the module sees."""
    ahead = [0.0]
    real = time.monotonic
    monkeypatch.setattr(module.time, "monotonic", lambda: real() + ahead[0])
    return lambda seconds: ahead.__setitem__(0, ahead[0] + seconds)


def read(sessions: TokenSessions, text: str) -> Session | None:
    return asyncio.run(sessions.read(text))


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", RSA[0]), ("PS256", RSA[0]), ("ES256", EC), ("EdDSA", ED)])
def test_tokens_of_a_provider(provider: Provider, algorithm: str, key: Any) -> None:
    provider.keys = [published(key, "a", algorithm)]
    sessions = provider.sessions(algorithm)
    for _ in range(3):
        session = read(sessions, token(key, "a", algorithm))
        assert session is not None
        assert session.subject == "u1"
    assert provider.asked == 1
    with pytest.raises(RuntimeError, match="only verify"):
        asyncio.run(sessions.create("u1", {}))


def test_a_new_key_is_found_and_an_old_one_ends(provider: Provider, clock: Any) -> None:
    provider.keys = [published(RSA[0], "old")]
    sessions = provider.sessions()
    assert read(sessions, token(RSA[0], "old"))
    provider.keys = [published(RSA[1], "new")]
    clock(31)
    assert read(sessions, token(RSA[1], "new")), "an id that is not known asks again"
    assert read(sessions, token(RSA[0], "old")) is None
    provider.keys = [published(RSA[0], "new")]
    clock(3601)
    assert read(sessions, token(RSA[1], "new")) is None, "the set is fetched anew when it is old"
    assert read(sessions, token(RSA[0], "new"))


def test_ids_that_are_made_up_do_not_ask(provider: Provider, clock: Any) -> None:
    provider.keys = [published(RSA[0], "a")]
    sessions = provider.sessions()
    for number in range(50):
        assert read(sessions, token(RSA[0], f"made up {number}")) is None
    assert provider.asked == 1
    clock(31)
    assert read(sessions, token(RSA[0], "made up")) is None
    assert provider.asked == 2
    assert read(sessions, token(RSA[0], None)) is None


def test_many_at_once_ask_once(provider: Provider) -> None:
    provider.keys, provider.delay = [published(RSA[0], "a")], 0.2
    sessions = provider.sessions()

    async def work() -> list[Session | None]:
        return await asyncio.gather(*(sessions.read(token(RSA[0], "a")) for _ in range(20)))

    assert all(asyncio.run(work()))
    assert provider.asked == 1


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"status": 302}, {"answer": b"no JSON"}, {"answer": b"[]"}, {"answer": b"[" * 100_000},
              {"answer": b'{"keys": {}}'}, {"answer": b" " * 300_000}, {"delay": 1.0},
              {"raw": b"\x15\x03\x01 what is this\r\n\r\n"},
              {"raw": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"}],
    ids=["500", "redirect", "no JSON", "a list", "deep", "no list", "huge", "slow", "no HTTP", "cut"],
)  # fmt: skip
def test_a_provider_that_does_not_answer_is_no_401(
    provider: Provider, clock: Any, fault: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AGAIN", 20.0)  # a busy machine may take longer than a second
    for name, value in fault.items():
        setattr(provider, name, value)
    sessions = provider.sessions(timeout=0.3)
    with pytest.raises(KeysUnavailable):
        read(sessions, token(RSA[0], "a"))
    asked = provider.asked
    with pytest.raises(KeysUnavailable):
        read(sessions, token(RSA[0], "a"))
    assert provider.asked == asked, "not again so soon"
    provider.status, provider.answer, provider.raw, provider.delay = 200, None, None, 0.0
    provider.keys = [published(RSA[0], "a")]
    clock(21)
    assert read(sessions, token(RSA[0], "a"))
    # What is known goes on working for a day.
    provider.status, provider.raw = 500, fault.get("raw")
    clock(3601)
    assert read(sessions, token(RSA[0], "a"))
    with pytest.raises(KeysUnavailable):
        read(sessions, token(RSA[1], "b"))
    clock(86_401)
    with pytest.raises(KeysUnavailable):
        read(sessions, token(RSA[0], "a"))


UNFIT: dict[str, list[Any]] = {
    "for encryption": [published(RSA[0], "a", use="enc")],
    "for another operation": [published(RSA[0], "a", key_ops=["encrypt"])],
    "for another algorithm": [published(RSA[0], "a", alg="PS256")],
    "of another kind": [published(EC, "a", "ES256")],
    "a secret": [{"kty": "oct", "k": "AAAA", "kid": "a"}],
    "a private key": [{**jwt.get_algorithm_by_name("RS256").to_jwk(RSA[0], as_dict=True), "kid": "a"}],
    "too short": [published(SHORT, "a")],
    "broken": [published(RSA[0], "a", n="!")],
    "without an id": [published(RSA[0], ...)],
    "an id that is no text": [published(RSA[0], 1)],
    "two of one id": [published(RSA[0], "a"), published(RSA[1], "a")],
    "no keys": ["a", None, 1, []],
}


@pytest.mark.parametrize("name", UNFIT)
def test_keys_that_do_not_fit(provider: Provider, name: str) -> None:
    provider.keys = UNFIT[name]
    key = SHORT if name == "too short" else RSA[0]
    with pytest.warns() if name == "too short" else contextlib.nullcontext():
        text = token(key, "a")
    assert read(provider.sessions(), text) is None


def test_the_algorithm_is_not_the_tokens_choice(provider: Provider) -> None:
    provider.keys = [published(RSA[0], "a", alg=...)]
    assert read(provider.sessions(), token(RSA[0], "a", "PS256")) is None
    assert read(provider.sessions("PS256"), token(RSA[0], "a", "PS256"))


def test_settings_that_can_not_be() -> None:
    for url in ("http://issuer.example/keys", "ftp://issuer.example/keys", "issuer.example", "", "file:///etc/passwd"):
        with pytest.raises(StartupError):
            JWKS(url)
    keys = JWKS("https://issuer.example/keys")
    with pytest.raises(StartupError):
        TokenSessions(keys)
    with pytest.raises(StartupError):
        TokenSessions(keys, algorithm="RS256", sign_with="x")
