maxBodySize = "1mb"


async def GET(request):
    return None
