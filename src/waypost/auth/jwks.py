"""The keys of an identity provider, from where it publishes them: it may change them whenever it likes.

They are fetched when the first token comes, again when they are an hour old, and for a key id that is not among them,
though not more often than twice a minute: who makes up ids must not make this program ask.
Source: RFC 7517; OpenID Connect Core, section 10.1.1 (rotation of signing keys).
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from typing import Any, Final
from urllib.parse import urlsplit

from waypost.errors import StartupError

_TOO_SOON: Final = 30.0  # seconds after an attempt in which an unknown id asks for no other
_AGAIN: Final = 1.0  # seconds after one that failed in which there is no other
_LONGEST: Final = 256 * 1024
_MOST_KEYS: Final = 100
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_RSA_BITS: Final = 2048
# The start of an algorithm's name → its kind of key, and its curves.
_KINDS: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES: Final = {"ES256": ("P-256",), "ES384": ("P-384",), "ES512": ("P-521",), "EdDSA": ("Ed25519", "Ed448")}

log = logging.getLogger("waypost.auth")


class KeysUnavailable(Exception):
    """The provider's keys can't be had, so that nobody can say whether a token is good: a 500, not a 401."""


class JWKS:
    """The key set at `url`, for TokenSessions: `TokenSessions(JWKS("https://…/jwks.json"), algorithm="RS256", …)`.

    max_age: seconds after which the set is fetched again. max_stale: seconds for which it is used beyond that when the
    provider does not answer. timeout: of a fetch. Raises StartupError for a URL without TLS that is not this machine's.
    """

    def __init__(self, url: str, *, max_age: float = 3600.0, max_stale: float = 86_400.0, timeout: float = 5.0) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
            raise StartupError(
                f"JWKS({url!r}): keys that come without TLS are anyone's", remedy="Use the provider's https:// address."
            )
        self.url = url
        self._max_age = max_age
        self._max_stale = max_stale
        self._timeout = timeout
        self._set: list[dict[str, Any]] = []
        self._prepared: dict[tuple[str, str], Any] = {}
        self._fetched = self._tried = -math.inf
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, kid: str, algorithm: str, jwt: Any) -> Any:
        """The key of an id, fit for the algorithm; None when the provider has no such. Raises KeysUnavailable.

        jwt: the module of PyJWT.
        """
        age = time.monotonic() - self._fetched
        if age > self._max_age:
            await self._refresh(needed=age > self._max_age + self._max_stale)
        found = self._find(kid, algorithm, jwt)
        if found is None and time.monotonic() - self._tried > _TOO_SOON:
            await self._refresh(needed=True)
            found = self._find(kid, algorithm, jwt)
        if found is None and self._tried > self._fetched:
            raise KeysUnavailable(f"{self.url} does not answer, and the key {kid!r:.80} is not known")
        return found

    def _find(self, kid: str, algorithm: str, jwt: Any) -> Any:
        if (kid, algorithm) in self._prepared:
            return self._prepared[kid, algorithm]
        # Two keys of one id and kind: nobody can say which is meant.
        fitting = [item for item in self._set if item["kid"] == kid and _fits(item, algorithm)]
        key = _prepare(fitting[0], algorithm, jwt) if len(fitting) == 1 else None
        if key is not None:
            self._prepared[kid, algorithm] = key
        return key

    async def _refresh(self, *, needed: bool) -> None:
        """Fetch the set, once however many ask. Raises KeysUnavailable where it fails and is needed."""
        loop = asyncio.get_running_loop()
        if self._fetching is None or self._loop is not loop:
            if time.monotonic() - self._tried < _AGAIN and self._tried > self._fetched:
                if needed:
                    raise KeysUnavailable(f"{self.url} does not answer")
                return
            self._loop, self._fetching = loop, loop.create_task(self._fetch())
        try:
            await asyncio.shield(self._fetching)
        except (OSError, ValueError) as error:
            if needed:
                raise KeysUnavailable(f"{self.url} can't be read: {error}") from error

    async def _fetch(self) -> None:
        self._tried = time.monotonic()
        try:
            from waypost.auth.download import download  # slow to import, and few need it

            async with asyncio.timeout(2 * self._timeout):  # a server that gives a byte at a time is as good as none
                data = await asyncio.to_thread(download, self.url, self._timeout, _LONGEST)
            self._set, self._prepared = _read(data), {}
            self._fetched = self._tried = time.monotonic()
        except (OSError, ValueError) as error:
            self._tried = time.monotonic()
            log.warning("the keys at %s can't be read: %s", self.url, error)
            raise
        finally:
            self._fetching = None


def _read(data: bytes) -> list[dict[str, Any]]:
    """The keys that have an id. Raises ValueError."""
    try:
        found = json.loads(data)
    except RecursionError:
        raise ValueError("the key set is nested too deep") from None
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list) or len(keys) > _MOST_KEYS:
        raise ValueError("that is no key set")
    return [item for item in keys if isinstance(item, dict) and isinstance(item.get("kid"), str)]


def _fits(item: dict[str, Any], algorithm: str) -> bool:
    """Whether a key is published for signatures of this algorithm, and is a public one."""
    operations = item.get("key_ops", ["verify"])
    return (
        item.get("kty") == _KINDS.get(algorithm[:2])
        and item.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and item.get("alg", algorithm) == algorithm
        and item.get("crv") in _CURVES.get(algorithm, (None,))
        and "d" not in item
    )


def _prepare(item: dict[str, Any], algorithm: str, jwt: Any) -> Any:
    try:
        key = jwt.PyJWK(item, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return None if item["kty"] == "RSA" and key.key_size < _RSA_BITS else key
