"""/api/register: sign up."""

from __future__ import annotations

from waypost import Response

from lib.limits import sign_ups
from lib.users import sign_up
from lib.validation import SignUp


@sign_ups
async def POST(body: SignUp) -> Response:
    """Make an account from {"email": …, "name": …, "password": …}.

    The answer is the same where the address has an account already: who asks learns nothing about others.
    """
    await sign_up(body.email, body.name, body.password)
    return Response.json({"message": "Sign in to continue"}, status=202)
