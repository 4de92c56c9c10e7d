"""A private file as a download."""

from __future__ import annotations

from pathlib import Path

from waypost import Context, Request, Response

FILES = Path(__file__).parents[4] / "private-files"


async def GET(request: Request, context: Context) -> Response:
    filename = context.params["filename"]
    # The guide joins the path and the name unseen, so that `..%2Fpackage.json` leaves the folder.
    if "/" in filename or "\\" in filename or filename in ("", ".", ".."):
        return Response.json({"error": "File not found"}, status=404)
    try:
        data = (FILES / filename).read_bytes()
    except (OSError, ValueError):
        return Response.json({"error": "File not found"}, status=404)
    return Response(
        data,
        headers={
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(data)),
        },
    )
