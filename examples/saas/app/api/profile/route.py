"""/api/profile: the user who is signed in."""

from __future__ import annotations

from waypost import Response

from lib.auth import with_auth
from lib.schema import User
from lib.users import rename
from lib.validation import ProfileChanges


@with_auth
async def GET(user: User) -> Response:
    return Response.json(user.to_json())


@with_auth
async def PATCH(body: ProfileChanges, user: User) -> Response:
    """Change the name: {"name": …}. Nothing else about oneself can be changed here."""
    changed = await rename(user.id, body.name)
    return Response.json((changed or user).to_json())
