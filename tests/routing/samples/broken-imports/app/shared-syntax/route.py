from lib.unfinished import x


async def GET(request):
    return None
