"""/api/admin/users/:id: a user's role, and closing an account."""

from __future__ import annotations

from waypost import Context, Request, Response

from lib.auth import get_auth_user
from lib.users import change_user
from lib.validation import UserChanges, read_json, user_id


async def PATCH(request: Request, context: Context) -> Response:
    """Change {"role": "user" | "admin"} or {"disabled": true | false}; the user is signed out everywhere."""
    number = user_id(context.params["id"])
    changes = (await read_json(request, UserChanges)).changes()
    if not changes:
        return Response.json({"error": "Nothing to change"}, status=400)
    if number == (await get_auth_user()).id:
        # So that there is always an administrator left.
        return Response.json({"error": "Another administrator has to do that"}, status=409)
    user = await change_user(number, changes)
    if user is None:
        return Response.json({"error": "User not found"}, status=404)
    return Response.json({**user.to_json(), "disabled": user.disabled})
