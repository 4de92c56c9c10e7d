"""Sessions in signed tokens (JWT): nothing is stored, and nothing can be revoked before it expires.

PyJWT signs and verifies. Before it sees a token, its form and header are held to what this program would write itself:
the algorithm is one and never the token's choice, a key is found only among those that are known, and whatever else a
header may ask for (crit, b64, jku, jwk, x5u, zip …) is a reason to refuse.
Source: RFC 7519, RFC 7515, RFC 8725 (JWT best current practices).
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import time
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from waypost.auth.jwks import JWKS
from waypost.auth.session import Session
from waypost.errors import InvalidJSON, StartupError
from waypost.http.json import parse_json

Key: TypeAlias = "str | bytes"

_TOKEN: Final = re.compile(r"([A-Za-z0-9_-]{1,1024})\.([A-Za-z0-9_-]{1,8192})\.([A-Za-z0-9_-]{1,1024})")
_HEADER_NAMES: Final = frozenset(("alg", "typ", "kid"))
_TYPES: Final = frozenset(("jwt", "at+jwt", "application/at+jwt"))
_RESERVED: Final = frozenset(("sub", "exp", "iat", "nbf", "iss", "aud"))
# RFC 7518 section 3.2: a key as long as the digest; a shorter one can be found by trying.
_KEY_BYTES: Final = {"HS256": 32, "HS384": 48, "HS512": 64}
_ASYMMETRIC: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class TokenSessions:
    """Sessions in JWTs.

    keys: one secret, or several by their ids (`kid`) while keys are changed: the first signs, all verify. For an
    asymmetric algorithm public keys in PEM, and sign_with the private key of the first; without it tokens of someone
    else are verified and none are made. JWKS(url): the keys that an identity provider publishes.
    algorithm: the only one that is accepted. issuer, audience: required in tokens, exactly, where given.
    lifetime: seconds of tokens made here. leeway: seconds that clocks may differ.
    Raises StartupError for keys that are too short or of another kind than the algorithm's, and without PyJWT.
    """

    def __init__(
        self,
        keys: Key | Mapping[str, Key] | JWKS,
        *,
        algorithm: str = "HS256",
        sign_with: Key | None = None,
        issuer: str | None = None,
        audience: str | None = None,
        lifetime: float = 3600.0,
        leeway: float = 0.0,
    ) -> None:
        if not 0 < lifetime < math.inf or not 0 <= leeway <= 600:
            raise StartupError("lifetime and leeway must be seconds, leeway at most 600")
        self._jwt: Any = _load_jwt()
        self._published = keys if isinstance(keys, JWKS) else None
        self._keys = self._read_keys({} if isinstance(keys, JWKS) else keys, algorithm)
        self._algorithm = algorithm
        self._signer = self._signing_key(sign_with)
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway
        self.lifetime = lifetime

    def _read_keys(self, keys: Key | Mapping[str, Key], algorithm: str) -> dict[str | None, Any]:
        if algorithm not in _KEY_BYTES and algorithm not in _ASYMMETRIC:
            known = ", ".join((*_KEY_BYTES, *_ASYMMETRIC))
            raise StartupError(f"algorithm={algorithm!r} is not accepted for tokens", remedy=f"Use one of {known}.")
        items: dict[str | None, Key] = {None: keys} if isinstance(keys, str | bytes) else dict(keys.items())
        if self._published is not None and algorithm in _KEY_BYTES:
            raise StartupError(f"published keys are public, and {algorithm} needs a secret", remedy='Use "RS256", say.')
        if not items and self._published is None:
            raise StartupError("TokenSessions needs a key", remedy="Give one secret, or a dict of key ids and secrets.")
        return {kid: self._prepare(key, algorithm) for kid, key in items.items()}

    def _prepare(self, key: Key, algorithm: str) -> Any:
        data = key.encode() if isinstance(key, str) else key
        least = _KEY_BYTES.get(algorithm, 1)
        if len(data) < least:
            raise StartupError(
                f"a key for {algorithm} must have at least {least} bytes, this one has {len(data)}",
                remedy="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(64))'",
            )
        try:
            return self._jwt.get_algorithm_by_name(algorithm).prepare_key(data)
        except NotImplementedError:
            raise StartupError(
                f"{algorithm} needs the package cryptography", remedy='Install it: pip install "pyjwt[crypto]"'
            ) from None
        except (self._jwt.InvalidKeyError, ValueError, TypeError) as error:
            raise StartupError(f"a key is not one for {algorithm}: {error}") from None

    def _signing_key(self, sign_with: Key | None) -> Any:
        if self._algorithm in _KEY_BYTES:
            if sign_with is not None:
                raise StartupError(f"{self._algorithm} signs with the first of its keys: leave sign_with out")
            return next(iter(self._keys.values()))
        if sign_with is not None and self._published is not None:
            raise StartupError("tokens of an identity provider are made there: leave sign_with out")
        return None if sign_with is None else self._prepare(sign_with, self._algorithm)

    async def create(self, subject: str, claims: Mapping[str, Any]) -> str:
        """As Sessions.create. Raises ValueError for claims that tokens reserve, RuntimeError without a key to sign."""
        if self._signer is None:
            raise RuntimeError("these TokenSessions only verify: give sign_with=... to make tokens")
        taken = _RESERVED & set(claims)
        if taken:
            raise ValueError(f"claims can't hold {', '.join(sorted(taken))}: the token has them itself")
        now = int(time.time())
        payload = {**claims, "sub": subject, "iat": now, "exp": now + math.ceil(self.lifetime)}
        if self._issuer is not None:
            payload["iss"] = self._issuer
        if self._audience is not None:
            payload["aud"] = self._audience
        kid = next(iter(self._keys))
        headers = {} if kid is None else {"kid": kid}
        return str(self._jwt.encode(payload, self._signer, algorithm=self._algorithm, headers=headers))

    async def read(self, text: str) -> Session | None:
        """As Sessions.read. Raises KeysUnavailable where the keys are published and can't be had."""
        match = _TOKEN.fullmatch(text)
        if match is None or not _canonical(match[3]):
            return None
        key = await self._key_of(match[1])
        if key is None:
            return None
        payload = self._verified(text, key)
        if payload is None or not _times_are_numbers(payload):
            return None
        subject = payload["sub"]
        if not isinstance(subject, str) or not subject or not self._for_us(payload):
            return None
        claims = {name: value for name, value in payload.items() if name not in _RESERVED}
        return Session(subject, claims, float(payload["exp"]))

    async def _key_of(self, header: str) -> Any:
        """The key that a token's header names; None unless the header is one that this program would write."""
        try:
            fields = parse_json(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        except (binascii.Error, InvalidJSON):
            return None
        if not isinstance(fields, dict) or not fields.keys() <= _HEADER_NAMES:
            return None
        kind, kid = fields.get("typ", "JWT"), fields.get("kid")
        if fields.get("alg") != self._algorithm or not isinstance(kind, str) or kind.lower() not in _TYPES:
            return None
        if self._published is not None:
            return await self._published.key(kid, self._algorithm, self._jwt) if isinstance(kid, str) else None
        return self._keys.get(kid) if kid is None or isinstance(kid, str) else None

    def _verified(self, text: str, key: Any) -> dict[str, Any] | None:
        options = {"require": ["exp", "sub"], "verify_aud": self._audience is not None, "verify_iss": False}
        try:
            payload = self._jwt.decode(
                text, key, algorithms=[self._algorithm], audience=self._audience, leeway=self._leeway, options=options
            )
        except (self._jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            return None
        return payload if isinstance(payload, dict) else None

    def _for_us(self, payload: dict[str, Any]) -> bool:
        # A token for another service must not open this one, whether or not this one has been given a name.
        if self._audience is None and "aud" in payload:
            return False
        return self._issuer is None or payload.get("iss") == self._issuer

    async def revoke(self, text: str) -> None:
        """Nothing: a token is good until it expires. Keep `lifetime` short, or use StoredSessions."""


def _load_jwt() -> Any:
    try:
        import jwt
    except ImportError:
        raise StartupError("TokenSessions needs PyJWT", remedy='Install it: pip install "waypost[auth]"') from None
    return jwt


def _canonical(part: str) -> bool:
    """Whether base64url has one spelling here: the last character's spare bits are zero."""
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        return False
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii") == part


def _times_are_numbers(payload: dict[str, Any]) -> bool:
    """RFC 7519, NumericDate: a JSON number. PyJWT also takes what int() takes."""
    for name in ("exp", "nbf", "iat"):
        value = payload.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
    return True
