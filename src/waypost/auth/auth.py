"""Auth: who is asking, and signing in and out.

    auth = Auth(StoredSessions("data/sessions.db"), load_user=find_user)

    await auth.login("7")                    # after the password was right: sets the cookie
    user = await auth.get_auth_user()        # from anywhere below a handler; None when nobody has signed in
    GET = auth.with_auth(handler)            # 401 without a user; handler(request, context) has context.user
    await auth.logout()

Source: the names are those of the usual Next.js recipes; OWASP Session Management Cheat Sheet for the cookie.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

from waypost.app.context import cookies, scope_of
from waypost.auth.credentials import Credential, read_credential
from waypost.auth.guard import Guard
from waypost.auth.origin import read_origins, require_same_site
from waypost.auth.session import Session, Sessions
from waypost.errors import StartupError
from waypost.http.request import Request

LoadUser: TypeAlias = "Callable[[Session], Any | Awaitable[Any]]"
RolesOf: TypeAlias = "Callable[[Any], Iterable[str]]"

_LONGEST: Final = 4000  # with the cookie's name still within what browsers keep

# The user of the request that this task answers: looked up once, however often it is asked for.
_known: ContextVar[tuple[Request, Auth, Credential, Any] | None] = ContextVar("waypost_user", default=None)


class Auth:
    """Authentication by session cookie or bearer token.

    sessions: TokenSessions or StoredSessions. load_user: a function of the session, plain or async, that gives the
    user, or None for one who is gone; unless given, the user is {"id": subject, **claims}. What it raises is a 500:
    a database that is down signs nobody out.
    roles_of: the roles of a user; unless given, its `roles` or `role`, an item or an attribute.
    cookie: its name. secure=False is for development without TLS in browsers that insist on it; the name must then
    have no __Host- in front. trusted_origins: other origins whose pages may use the cookie to change something.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        load_user: LoadUser | None = None,
        roles_of: RolesOf | None = None,
        cookie: str = "__Host-session",
        secure: bool = True,
        trusted_origins: Iterable[str] = (),
    ) -> None:
        if not secure and cookie.lower().startswith(("__host-", "__secure-")):
            raise StartupError(
                f"browsers refuse the cookie {cookie} without Secure", remedy='Name it otherwise: cookie="session".'
            )
        self.sessions = sessions
        self.cookie = cookie
        self.secure = secure
        self.roles_of = roles_of or default_roles
        self._load_user = load_user or default_user
        self._trusted = read_origins(trusted_origins)
        self.with_auth = Guard(self)

    async def get_auth_user(self) -> Any:
        """The user who sends the current request, None when nobody has signed in.

        Raises CrossSiteRequest (403) where another site's page made the browser send the cookie with an unsafe
        method, NoRequestError outside a request, and whatever load_user raises.
        """
        request = scope_of("get_auth_user").request
        credential = read_credential(request, self.cookie)
        if credential is None:
            return None
        if credential.ambient:
            require_same_site(request, self._trusted)
        known = _known.get()
        if known is not None and known[0] is request and known[1] is self and known[2] == credential:
            return known[3]
        session = await self.sessions.read(credential.text)
        if session is None:
            return None
        user = self._load_user(session)
        if inspect.isawaitable(user):
            user = await user
        _known.set((request, self, credential, user))
        return user

    async def login(self, subject: str, claims: Mapping[str, Any] | None = None) -> str:
        """Begin a session for `subject` and set its cookie; call it once the password was right.

        A session that the request came with ends, so that nobody can choose one for another. claims: what else the
        session says, JSON; roles of a TokenSessions user, say. Gives the token, for clients without cookies.
        Raises CrossSiteRequest (403): another site must not sign a visitor in as someone else.
        """
        if not isinstance(subject, str) or not subject:
            raise ValueError("login() needs the user's id, a text")
        request = scope_of("login").request
        require_same_site(request, self._trusted)
        await self._end(request)
        token = await self.sessions.create(subject, claims or {})
        if len(token) > _LONGEST:
            raise ValueError(
                f"the session is {len(token)} bytes long, and browsers drop such a cookie: use fewer claims"
            )
        cookies().set(
            self.cookie, token, max_age=int(self.sessions.lifetime), path="/", http_only=True, secure=self.secure,
            same_site="lax",
        )  # fmt: skip
        return token

    async def logout(self) -> None:
        """End the session, where its kind can be ended, and remove the cookie. Raises CrossSiteRequest (403)."""
        request = scope_of("logout").request
        require_same_site(request, self._trusted)
        await self._end(request)
        cookies().delete(self.cookie, path="/", http_only=True, secure=self.secure, same_site="lax")

    async def _end(self, request: Request) -> None:
        _known.set(None)
        credential = read_credential(request, self.cookie)
        if credential is not None:
            await self.sessions.revoke(credential.text)


def default_user(session: Session) -> dict[str, Any]:
    """The user that a session by itself tells of."""
    return {**session.claims, "id": session.subject}


def default_roles(user: Any) -> Iterable[str]:
    """`roles` or `role` of a user, items or attributes: one text or several."""
    for name in ("roles", "role"):
        found = user.get(name) if isinstance(user, Mapping) else getattr(user, name, None)
        if found is not None:
            return [found] if isinstance(found, str) else list(found)
    return ()
