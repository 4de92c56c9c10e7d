revalidates = 60


async def GET(request):
    return None
