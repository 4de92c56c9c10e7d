LIMIT = 1

max_body_size = -5


async def GET(request):
    return None
