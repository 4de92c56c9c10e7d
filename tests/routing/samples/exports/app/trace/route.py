async def GET(request):
    return None


async def TRACE(request):
    return None
