runtime = "edge"


async def GET(request):
    return None
