"""CORS and a token check as wrappers around a handler."""

from collections.abc import Awaitable, Callable

from meaning import ORIGIN, TOKEN

from waypost import Request, Response

Handler = Callable[[Request], Awaitable[Response]]


def with_auth(handler: Handler) -> Handler:
    async def checked(request: Request) -> Response:
        if request.headers.get("authorization") != TOKEN:
            return Response.json({"error": "unauthorized"}, status=401)
        return await handler(request)

    return checked


def with_cors(handler: Handler) -> Handler:
    async def answered(request: Request) -> Response:
        response = await handler(request)
        response.headers.append("vary", "Origin")
        if request.headers.get("origin") == ORIGIN:
            response.headers.set("access-control-allow-origin", ORIGIN)
        return response

    return answered
