from __future__ import annotations

from typing import NotRequired, TypedDict

from waypost import Context, Request, Response


class FileParams(TypedDict):
    path: NotRequired[list[str]]


async def GET(request: Request, context: Context[FileParams]) -> Response:
    name = context.params.get("path", []).lower()  # planted: a catch-all is a list
    return Response.file("/srv/files", [name], filenam="x")  # planted: no such option
