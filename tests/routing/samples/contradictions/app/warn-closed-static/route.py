dynamic_params = False


async def GET(request):
    return None
