"""For the leak test: a handler with a bug."""

from waypost import Request, Response


async def GET(request: Request) -> Response:
    raise RuntimeError("the bench asked for it")
