"""/api/profile/password: a new password."""

from __future__ import annotations

from waypost import Response

from lib.auth import auth, proof, with_auth
from lib.limits import accounts
from lib.schema import User
from lib.users import change_password
from lib.validation import PasswordChange


@with_auth
async def PUT(body: PasswordChange, user: User) -> Response:
    """Set a password: {"current": …, "new": …}. Every session ends; this client gets a new one."""
    tries = await accounts.limit(user.email)
    if not tries.success:
        return accounts.refusal(tries)
    changed = await change_password(user, body.current, body.new)
    if changed is None:
        return Response.json({"error": "Wrong password"}, status=403)
    await auth.login(str(user.id), proof(changed))
    return Response(None, status=204)
