"""/api/admin/users/:id: a user's role, and closing an account."""

from __future__ import annotations

from waypost import Response

from lib.auth import get_auth_user
from lib.users import change_user
from lib.validation import UserChanges, UserId


async def PATCH(id: UserId, body: UserChanges) -> Response:
    """Change {"role": "user" | "admin"} or {"disabled": true | false}; the user is signed out everywhere."""
    changes = body.changes()
    if not changes:
        return Response.json({"error": "Nothing to change"}, status=400)
    if id == (await get_auth_user()).id:
        # So that there is always an administrator left.
        return Response.json({"error": "Another administrator has to do that"}, status=409)
    user = await change_user(id, changes)
    if user is None:
        return Response.json({"error": "User not found"}, status=404)
    return Response.json({**user.to_json(), "disabled": user.disabled})
