LIMIT = 1

max_duration = 0


async def GET(request):
    return None
