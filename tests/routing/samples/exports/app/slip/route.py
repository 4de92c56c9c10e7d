async def GET(request):
    return None


async def DELTE(request):
    return None
