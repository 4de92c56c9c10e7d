dynamic = "force-static"


async def POST(request):
    return None
