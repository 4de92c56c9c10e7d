from meaning import sse_chunks

from waypost import Request, Response


async def GET(request: Request) -> Response:
    headers = {"content-type": "text/event-stream", "cache-control": "no-cache"}
    return Response(sse_chunks(), headers=headers)
