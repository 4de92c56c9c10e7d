dynamc = "error"


async def GET(request):
    return None
