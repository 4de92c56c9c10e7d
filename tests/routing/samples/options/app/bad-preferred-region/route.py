LIMIT = 1

preferred_region = []


async def GET(request):
    return None
