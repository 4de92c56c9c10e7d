LIMIT = 1

preferred_region = 7


async def GET(request):
    return None
