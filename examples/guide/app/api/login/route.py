"""Not in the guide: how the session of its next chapters begins and ends."""

from __future__ import annotations

from pydantic import Field
from waypost import Response

from lib.auth import auth, check_password
from lib.rate_limit import rate_limit
from lib.validation import Body

limiter = rate_limit(limit=10)
max_body_size = "4kb"


class Credentials(Body):
    email: str = Field(max_length=254)
    password: str = Field(max_length=200)


@limiter
async def POST(body: Credentials) -> Response:
    user = await check_password(body.email, body.password)
    if user is None:
        return Response.json({"error": "Wrong address or password"}, status=401)
    await auth.login(user["id"])  # sets a __Host- cookie: HttpOnly, Secure, SameSite=Lax
    return Response.json({"user": user})


async def DELETE() -> Response:
    await auth.logout()
    return Response(None, status=204)
