"""CORS and a token check, as the documentation has them (docs/cors.md, "With a check of credentials")."""

from meaning import ORIGIN, TOKEN

from waypost import Request, Response
from waypost.cors import cors

allow = cors(origins=[ORIGIN])


async def signed_in(request: Request) -> Response | None:
    if request.headers.get("authorization") != TOKEN:
        return Response.json({"error": "unauthorized"}, status=401)
    return None
