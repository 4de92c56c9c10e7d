"""with_auth: what stands before a handler, or a whole folder, and lets only some users through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, overload

from waypost.app.context import Context
from waypost.app.operation import Additions, Security
from waypost.app.wrapping import Inner, wrap
from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.http.response import Response

if TYPE_CHECKING:
    from waypost.auth.auth import Auth

Next: TypeAlias = Callable[[Request], Awaitable[Response]]
Guarded: TypeAlias = Callable[[Request, Context], Coroutine[Any, Any, Response]]

_PRIVATE: Final = "private, no-store"


class Guard:
    """Lets signed-in users through, or those with one of `roles`; 401 and 403 for the others.

    guard(handler) wraps a handler, which then has `context.user`, and may take it as an argument named `user`.
    guard(request, next) is middleware, for a folder. guard(role="admin") is a guard for that role.
    An answer that says nothing of caching becomes `Cache-Control: private, no-store`.
    """

    __slots__ = ("_auth", "roles")

    def __init__(self, auth: Auth, roles: frozenset[str] = frozenset()) -> None:
        self._auth = auth
        self.roles = roles

    @overload
    def __call__(self, request: Request, next: Next, /) -> Awaitable[Response]: ...
    @overload
    def __call__(self, request: Callable[..., Any], next: None = None, /) -> Guarded: ...
    @overload
    def __call__(self, request: None = None, next: None = None, /, *, role: str | Iterable[str]) -> Guard: ...
    def __call__(self, request: Any = None, next: Any = None, /, *, role: str | Iterable[str] | None = None) -> Any:
        if role is not None:
            return Guard(self._auth, _roles(role))
        if next is None:
            return wrap(request, self._enter, self.__waypost_additions__)
        return self._around(request, next)

    @property
    def __waypost_additions__(self) -> Additions:
        """What stands in the description of an operation behind this."""
        cookie = {"type": "apiKey", "in": "cookie", "name": self._auth.cookie}
        bearer = {"type": "http", "scheme": "bearer"}
        refusals = {401: "Nobody is signed in", 403: "Another site sent the request"}
        if self.roles:
            refusals[403] = f"Needs the role {' or '.join(sorted(self.roles))}"
        ways = (Security("session", cookie), Security("bearer", bearer))
        return Additions(ways, self.roles, refusals, frozenset(("user",)))

    async def _enter(self, request: Request, context: Context, inner: Inner) -> Response:
        user = await self._auth.get_auth_user()
        refused = self._refusal(user)
        return refused or _private(await inner(request, context.extend(user=user)))

    async def _around(self, request: Request, next: Next) -> Response:
        refused = self._refusal(await self._auth.get_auth_user())
        return refused or _private(await next(request))

    def _refusal(self, user: Any) -> Response | None:
        if user is None:
            return Response.json({"error": "Unauthorized"}, 401, {"WWW-Authenticate": "Bearer"})
        if self.roles and self.roles.isdisjoint(self._auth.roles_of(user)):
            return Response.json({"error": "Forbidden"}, 403)
        return None


def _roles(role: str | Iterable[str]) -> frozenset[str]:
    roles = frozenset([role] if isinstance(role, str) else role)
    if not roles or not all(isinstance(item, str) and item for item in roles):
        raise StartupError("with_auth(role=...) needs the name of a role", remedy='Write role="admin", or a list.')
    return roles


def _private(response: Response) -> Response:
    """What is for one user must not be kept by a cache for another."""
    if response.headers.has("cache-control"):
        return response
    answer = response.copy()
    answer.headers.set("cache-control", _PRIVATE)
    return answer
