LIMIT = 1

dynamic_params = 1


async def GET(request):
    return None
