"""draft_mode(): a cookie with which an editor sees what static handlers would give now, past the cache.

The cookie's value can be made only with the application's secret, and lasts as long as the browser's session.
Source: Next.js, draftMode.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final

from waypost.app.context import RequestScope, cookies, scope_of
from waypost.cache.fill import current_fill, refuse_in_fill
from waypost.http.cookies import CookieOptions
from waypost.http.request import Request

COOKIE: Final = "__prerender_bypass"
_PURPOSE: Final = b"waypost draft mode"


class DraftMode:
    """Draft mode of one application. secret: gives the build's, known to all of its workers and machines."""

    __slots__ = ("_dev", "_secret", "_value")

    def __init__(self, secret: Callable[[], bytes], *, dev: bool) -> None:
        self._dev = dev
        self._secret = secret
        self._value = ""

    def is_on(self, request: Request) -> bool:
        """Whether the client has the cookie, and it is ours."""
        cookie = request.cookies.get(COOKIE)
        return cookie is not None and self.is_ours(cookie.value)

    def is_ours(self, value: str) -> bool:
        """Whether a cookie of this value is one that enable() has sent."""
        import hmac

        return hmac.compare_digest(value.encode(), self.value.encode())

    def options(self) -> CookieOptions:
        """The attributes of the cookie. SameSite=None, as the editor's page shows the site in a frame."""
        if self._dev:
            return {"path": "/", "http_only": True, "same_site": "lax"}
        return {"path": "/", "http_only": True, "secure": True, "same_site": "none"}

    @property
    def value(self) -> str:
        """What the cookie holds."""
        if not self._value:
            import hmac  # loads OpenSSL, and few programs have a draft mode

            self._value = hmac.new(self._secret(), _PURPOSE, "sha256").hexdigest()
        return self._value


class Draft:
    """What draft_mode() gives; may be awaited, as in Next.js."""

    __slots__ = ("_mode", "_scope")

    def __init__(self, mode: DraftMode | None, scope: RequestScope) -> None:
        self._mode = mode
        self._scope = scope

    def __await__(self) -> Generator[None, None, Draft]:
        return self
        yield  # makes this a generator, as __await__ needs

    @property
    def is_enabled(self) -> bool:
        """Whether this request is in draft mode; what enable() and disable() did before counts."""
        if self._mode is None or current_fill.get() is not None:
            return False
        store = self._scope.cookies
        if store is not None and store.changed:
            cookie = store.get(COOKIE)
            return cookie is not None and self._mode.is_ours(cookie.value)
        return self._mode.is_on(self._scope.request)

    def enable(self) -> None:
        """Send the cookie. Check first who asks: the guide compares a secret of the query."""
        mode = self._writable("draft_mode().enable()")
        cookies().set(COOKIE, mode.value, **mode.options())

    def disable(self) -> None:
        """Have the browser forget the cookie."""
        self._writable("draft_mode().disable()")
        cookies().delete(COOKIE)

    def _writable(self, call: str) -> DraftMode:
        refuse_in_fill(call)
        if self._mode is None:
            raise RuntimeError(f"{call} needs an application, whose secret it uses")
        return self._mode


def draft_mode() -> Draft:
    """Draft mode of this request: `is_enabled`, `enable()`, `disable()`. Raises NoRequestError outside a request."""
    scope = scope_of("draft_mode")
    return Draft(scope.draft_mode, scope)
