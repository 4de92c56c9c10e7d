LIMIT = 1

max_body_size = "1000"


async def GET(request):
    return None
