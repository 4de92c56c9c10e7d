LIMIT = 1

runtime = "python3"


async def GET(request):
    return None
