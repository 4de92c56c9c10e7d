LIMIT = 1

dynamic = "force_static"


async def GET(request):
    return None
