runtime = "experimental-edge"
dynamic = "force-static"


async def GET(request):
    return None
