LIMIT = 1

max_body_size = "10 megs"


async def GET(request):
    return None
