import os

from waypost import Response


async def GET(request):
    return Response(str(os.getpid()))
