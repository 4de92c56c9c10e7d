dynamicParams = False


async def GET(request):
    return None
