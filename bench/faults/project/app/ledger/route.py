import os

from lib.ledger import seen

from waypost import Response


async def GET(request):
    return Response.json({"pid": os.getpid(), "files": len(os.listdir("/proc/self/fd")), **seen})
