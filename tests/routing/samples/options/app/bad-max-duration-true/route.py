LIMIT = 1

max_duration = True


async def GET(request):
    return None
