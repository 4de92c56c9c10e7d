"""/api/login: sign in and out."""

from __future__ import annotations

import logging

from waypost import Request, Response, after

from lib.auth import auth, proof
from lib.limits import accounts, sign_ins
from lib.users import authenticate
from lib.validation import SignIn

log = logging.getLogger(__name__)


@sign_ins
async def POST(request: Request, body: SignIn) -> Response:
    """Begin a session with {"email": …, "password": …}; the cookie holds it."""
    tries = await accounts.limit(body.email)
    if not tries.success:
        return accounts.refusal(tries)
    user = await authenticate(body.email, body.password)
    if user is None:
        after(lambda: log.warning("a sign-in from %s was refused", request.ip))
        return Response.json({"error": "Wrong email or password"}, status=401)
    await auth.login(str(user.id), proof(user))
    after(lambda: log.info("user %d signed in from %s", user.id, request.ip))
    return Response.json(user.to_json())


async def DELETE() -> Response:
    """End the session."""
    await auth.logout()
    return Response(None, status=204)
