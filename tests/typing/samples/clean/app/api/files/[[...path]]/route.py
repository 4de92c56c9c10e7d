from __future__ import annotations

from typing import NotRequired, TypedDict

from waypost import Context, Request, Response


class FileParams(TypedDict):
    path: NotRequired[list[str]]


async def GET(request: Request, context: Context[FileParams]) -> Response:
    path = context.params.get("path", [])
    return Response.json({"path": "/".join(part.lower() for part in path)})
