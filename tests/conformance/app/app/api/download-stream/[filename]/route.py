"""A private file, read while it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from waypost import Context, Request, Response

FILES = Path(__file__).parents[4] / "private-files"


async def GET(request: Request, context: Context) -> Response:
    filename = context.params["filename"]
    if "/" in filename or ".." in filename:
        return Response.json({"error": "Bad name"}, status=400)
    path = FILES / filename
    try:
        size = path.stat().st_size
    except (OSError, ValueError):
        return Response.json({"error": "File not found"}, status=404)
    return Response(chunks(path), headers={"Content-Type": "application/octet-stream", "Content-Length": str(size)})


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(65_536):
            yield chunk
