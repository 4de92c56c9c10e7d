"""Forged, confused and malformed tokens: every one refused, through the whole way of a request."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import zlib
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from waypost.auth import Session, TokenSessions
from waypost.errors import StartupError

KEY = "k" * 32
OLD = "o" * 32
# Of the collection: in a long run the tests come much later, so every claim about the future is a day ahead. Never part
# of a test's name: processes that share the tests must agree on the names.
NOW = int(time.time())
CLAIMS = {"sub": "u1", "exp": NOW + 86400, "iat": NOW, "iss": "https://issuer.example", "aud": "api"}
HEADER = {"alg": "HS256", "typ": "JWT", "kid": "new"}

sessions = TokenSessions({"new": KEY, "old": OLD}, issuer="https://issuer.example", audience="api")


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make(
    header: Any = HEADER, claims: Any = CLAIMS, key: str | bytes = KEY, hash: Callable[..., Any] = hashlib.sha256
) -> str:
    """A token signed by hand, so that it may say anything."""
    signed = f"{part(header)}.{part(claims)}"
    secret = key.encode() if isinstance(key, str) else key
    return f"{signed}.{part(hmac.new(secret, signed.encode(), hash).digest())}"


def header(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**HEADER, **changes}.items() if value is not ...}


def claims(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}


def read(token: str, by: TokenSessions = sessions) -> Session | None:
    return asyncio.run(by.read(token))


def private(key: Any) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public(key: Any) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


GOOD = make()
SIGNED, _, SIGNATURE = GOOD.rpartition(".")
DEEP: Any = "x"
for _ in range(400):
    DEEP = [DEEP]

ACCEPTED = {
    "plain": GOOD,
    "old key": make(header(kid="old"), key=OLD),
    "no typ": make(header(typ=...)),
    "typ in lower case": make(header(typ="jwt")),
    "access token": make(header(typ="at+jwt")),
    "no iat": make(claims=claims(iat=...)),
    "nbf past": make(claims=claims(nbf=NOW - 5)),
    "nbf float": make(claims=claims(nbf=NOW - 5.5)),
    "exp float": make(claims=claims(exp=NOW + 86400.5)),
    "aud list with one right": make(claims=claims(aud=["other", "api"])),
    "more claims": make(claims=claims(email="a@example.com", roles=["admin"])),
    "deeply nested claim": make(claims=claims(deep=DEEP)),
    "PyJWT's": jwt.encode(CLAIMS, KEY, algorithm="HS256", headers={"kid": "new"}),
}

REFUSED = {
    **{
        f"alg {alg}": make(header(alg=alg))
        for alg in ("none", "None", "nOnE", "NONE", "", "hs256", "HS256 ", "ES256", "RS256", "HS384", "HS512")
    },
    **{
        f"alg none without a signature, {alg}": f"{part(header(alg=alg))}.{part(CLAIMS)}."
        for alg in ("none", "None", "HS256")
    },
    "alg missing": make(header(alg=...)),
    **{f"alg {alg!r}": make(header(alg=alg)) for alg in (["HS256"], None, 5, {"a": 1}, True)},
    "alg HS512 signed so": make(header(alg="HS512"), hash=hashlib.sha512),
    "signature of other token": f"{make(claims=claims(sub='u2')).rpartition('.')[0]}.{SIGNATURE}",
    "signature padded": f"{GOOD}=",
    "signature with a blank": f"{SIGNED}.{SIGNATURE[:10]} {SIGNATURE[10:]}",
    "signature with a line break": f"{GOOD}\n",
    "signature not url-safe": f"{SIGNED}.+{SIGNATURE[1:]}",
    "signature spelled otherwise": GOOD[:-1] + chr(ord(GOOD[-1]) + 1),
    "signature cut": GOOD[:-1],
    "signature empty": f"{SIGNED}.",
    "trailing dot": f"{GOOD}.",
    "trailing part": f"{GOOD}.e30",
    "two parts": SIGNED,
    "header not JSON": make(b"not json"),
    "header not an object": make(["HS256"]),
    "header not base64": "!." + GOOD.partition(".")[2],
    "header deep": make(b"[" * 700),
    "header deep object": make(b'{"alg":' * 90),
    "payload not JSON": make(claims=b"not json"),
    "payload not an object": make(claims=[1]),
    "payload deep": make(claims=b"[" * 5000),
    "empty": "",
    "dots": "..",
    "huge": "a" * 100_000,
    "not ASCII": GOOD.replace("e", "é", 1),
    **{
        f"kid {kid!r}": make(header(kid=kid))
        for kid in ("../../dev/null", "new' OR '1'='1", "", "NEW", "old", None, 1, ["new"], {"a": 1})
    },
    "kid missing": make(header(kid=...)),
    "kid of a file, empty key": make(header(kid="../../../dev/null"), key=b""),
    "crit": make(header(crit=["x"], x=1)),
    "crit empty": make(header(crit=[])),
    "crit b64": make(header(crit=["b64"], b64=False)),
    "b64 false": make(header(b64=False)),
    "jwk": make(header(jwk={"kty": "oct", "k": part(b"x" * 32)}), key="x" * 32),
    "jku": make(header(jku="https://evil.example/keys")),
    "x5u": make(header(x5u="https://evil.example/cert")),
    "x5c": make(header(x5c=["AAAA"])),
    "zip": make(header(zip="DEF"), claims=zlib.compress(b"a" * 100_000)),
    "enc": make(header(enc="A256GCM")),
    "cty": make(header(cty="JWT")),
    **{f"typ {typ!r}": make(header(typ=typ)) for typ in ("JWE", "dpop+jwt", "logout+jwt", 1, None, ["JWT"])},
    "exp missing": make(claims=claims(exp=...)),
    "exp past": make(claims=claims(exp=NOW - 1)),
    "exp now": make(claims=claims(exp=NOW - 0.1)),
    "exp as text": make(claims=claims(exp=str(NOW + 86400))),
    "exp in a list": make(claims=claims(exp=[NOW + 86400])),
    **{f"exp {exp!r}": make(claims=claims(exp=exp)) for exp in ("9e99", True, None, [], {}, -1, 0, "never", "")},
    "exp 1e400": make(claims=json.dumps(claims(exp=7)).replace(": 7", ": 1e400").encode()),
    "exp NaN": make(claims=claims(exp=float("nan"))),
    "exp Infinity": make(claims=claims(exp=float("inf"))),
    "iat future": make(claims=claims(iat=NOW + 86400)),
    "iat as text": make(claims=claims(iat=str(NOW))),
    "iat in a list": make(claims=claims(iat=[NOW])),
    **{f"iat {iat!r}": make(claims=claims(iat=iat)) for iat in (True, None, float("nan"))},
    "nbf future": make(claims=claims(nbf=NOW + 86400)),
    "nbf as text": make(claims=claims(nbf=str(NOW))),
    **{f"nbf {nbf!r}": make(claims=claims(nbf=nbf)) for nbf in (True, None, [], float("-inf"))},
    "aud missing": make(claims=claims(aud=...)),
    **{
        f"aud {aud!r}": make(claims=claims(aud=aud))
        for aud in ("other", "ap", "api2", "API", "", None, [], ["other"], ["api", 1], {"api": 1}, 1)
    },
    "iss missing": make(claims=claims(iss=...)),
    **{
        f"iss {iss!r}": make(claims=claims(iss=iss))
        for iss in (
            "https://issuer",
            "https://issuer.example/",
            "issuer.example",
            "",
            None,
            ["https://issuer.example"],
            {"a": 1},
        )
    },
    "sub missing": make(claims=claims(sub=...)),
    **{f"sub {sub!r}": make(claims=claims(sub=sub)) for sub in (1, None, "", ["u1"], {"id": "u1"}, True)},
    "other key": make(key="x" * 32),
    "empty key": make(key=b""),
    "old key under the new name": make(key=OLD),
    "with Bearer": f"Bearer {GOOD}",
    "quoted": f'"{GOOD}"',
    "blank before": f" {GOOD}",
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_good_tokens_are_accepted(name: str) -> None:
    session = read(ACCEPTED[name])
    assert session is not None
    assert session.subject == "u1"
    assert session.expires > NOW
    assert not {"sub", "exp", "iat", "nbf", "iss", "aud"} & set(session.claims)


@pytest.mark.parametrize("name", REFUSED)
def test_bad_tokens_are_refused(name: str) -> None:
    assert read(REFUSED[name]) is None


def test_each_single_change_of_a_token_is_refused() -> None:
    """Every character of a good token, changed to another of its alphabet."""
    for place, letter in enumerate(GOOD):
        if letter != ".":
            other = "A" if letter != "A" else "B"
            assert read(GOOD[:place] + other + GOOD[place + 1 :]) is None, place


def test_an_audience_that_nobody_asked_for_is_refused() -> None:
    """A token for another service that shares the key."""
    plain = TokenSessions(KEY)
    assert read(make(header(kid=...), claims(aud=..., iss=...)), plain) is not None
    assert read(make(header(kid=...), claims(iss=...)), plain) is None
    assert read(make(HEADER, claims(aud=..., iss=...)), plain) is None, "a kid where there are no names"


def test_what_is_made_is_accepted_here_and_by_pyjwt() -> None:
    token = asyncio.run(sessions.create("u7", {"roles": ["admin"]}))
    session = read(token)
    assert session is not None
    assert (session.subject, session.claims) == ("u7", {"roles": ["admin"]})
    assert time.time() + 3590 < session.expires < time.time() + 3610
    assert jwt.get_unverified_header(token) == HEADER
    payload = jwt.decode(token, KEY, algorithms=["HS256"], audience="api", issuer="https://issuer.example")
    assert payload["sub"] == "u7"
    with pytest.raises(ValueError, match="can't hold exp"):
        asyncio.run(sessions.create("u7", {"exp": 1}))
    assert read(token, TokenSessions({"newer": "n" * 32, "new": KEY}, issuer=CLAIMS["iss"], audience="api"))  # type: ignore[arg-type]
    assert read(token, TokenSessions({"newer": "n" * 32}, issuer=CLAIMS["iss"], audience="api")) is None  # type: ignore[arg-type]


def test_an_expired_token_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    short = TokenSessions(KEY, lifetime=0.5)
    token = asyncio.run(short.create("u1", {}))
    assert read(token, short) is not None
    late = make(header(kid=...), claims(exp=int(time.time()) - 20, aud=..., iss=...))
    assert read(late, short) is None
    assert read(late, TokenSessions(KEY, leeway=120)) is not None


RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", RSA), ("PS256", RSA), ("ES256", EC), ("EdDSA", ED)])
def test_asymmetric_keys(algorithm: str, key: Any) -> None:
    both = TokenSessions({"a": public(key)}, algorithm=algorithm, sign_with=private(key))
    token = asyncio.run(both.create("u1", {}))
    only = TokenSessions({"a": public(key).decode()}, algorithm=algorithm)
    assert read(token, only) is not None
    with pytest.raises(RuntimeError, match="only verify"):
        asyncio.run(only.create("u1", {}))
    # The public key is no secret: a token that is signed with it by HMAC proves nothing.
    confused = {"sub": "u1", "exp": NOW + 86400}
    for alg in ("HS256", algorithm):
        assert read(make({"alg": alg, "kid": "a"}, confused, public(key)), only) is None
    assert read(token[:-4] + "AAAA", only) is None


@pytest.mark.parametrize(
    ("keys", "options"),
    [
        ("", {}),
        ("k" * 31, {}),
        ("k" * 40, {"algorithm": "HS384"}),
        ("k" * 63, {"algorithm": "HS512"}),
        ({}, {}),
        ({"a": "short"}, {}),
        (KEY, {"algorithm": "none"}),
        (KEY, {"algorithm": "RS256"}),
        (KEY, {"algorithm": "hs256"}),
        (public(RSA), {}),
        (public(EC), {"algorithm": "RS256"}),
        (public(RSA), {"algorithm": "ES256"}),
        (KEY, {"sign_with": KEY}),
        (KEY, {"lifetime": 0}),
        (KEY, {"lifetime": float("inf")}),
        (KEY, {"leeway": 3600}),
    ],
)
def test_keys_and_settings_that_can_not_be(keys: Any, options: Any) -> None:
    with pytest.raises(StartupError):
        TokenSessions(keys, **options)
