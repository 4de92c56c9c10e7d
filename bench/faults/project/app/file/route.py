"""`?path=…`: a file by its name on this machine. A bench only: never do this with what a client sends."""

from waypost import Response


async def GET(request):
    return Response.file(request.next_url.search_params.get("path"))
