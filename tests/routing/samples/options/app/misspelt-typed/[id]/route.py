maxDuration: int = 5


async def GET(request):
    return None
