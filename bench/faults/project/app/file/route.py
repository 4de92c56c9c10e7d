"""`?path=…`: a file by its name on this machine. A bench only: never do this with what a client sends."""

import os

from waypost import Response
from waypost.http.payload import FilePayload


async def GET(request):
    descriptor = os.open(request.next_url.search_params.get("path"), os.O_RDONLY)
    return Response(FilePayload(descriptor, 0, os.fstat(descriptor).st_size))
