"""Guide: Keep Handlers Small. The answer is 202 at once; the work comes after it."""

from __future__ import annotations

from waypost import Request, Response, after

from lib.auth import User
from lib.exports import create_export, run_export
from lib.rate_limit import rate_limit
from lib.with_auth import with_auth

middleware = [rate_limit(limit=10)]


@with_auth
async def POST(request: Request, user: User) -> Response:
    export = await create_export(user["id"])
    after(run_export(export.id))
    return Response.json({"id": export.id}, status=202, headers={"Location": f"/api/exports/{export.id}"})
