"""The 100 MB file, to be saved."""

from pathlib import Path

from waypost import Response

FILE = Path(__file__).parents[4] / "data" / "100m.bin"


async def GET() -> Response:
    return Response.file(FILE, filename="100m.bin")
