"""`?size=N&left=M`: a file of N bytes, of which M are left by the time it is sent; `&part=1` as a download by spans."""

import os
import tempfile

from waypost import Response


async def GET(request):
    query = request.next_url.search_params
    size, left = int(query.get("size")), int(query.get("left"))
    descriptor, path = tempfile.mkstemp()
    os.truncate(descriptor, size)
    if query.get("part"):

        async def read(start, stop):
            yield b"x" * (min(stop, left) - start)

        response = Response.download(read, "x.bin", length=size)
    else:
        response = Response.file(path)
    os.truncate(descriptor, left)
    os.close(descriptor)
    os.unlink(path)
    return response
