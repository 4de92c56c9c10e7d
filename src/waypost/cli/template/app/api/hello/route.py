"""/api/hello and /api/hello?name=Ada"""

from waypost import Request, Response


async def GET(request: Request) -> Response:
    name = request.next_url.search_params.get("name") or "world"
    return Response.json({"message": f"Hello, {name}!"})
