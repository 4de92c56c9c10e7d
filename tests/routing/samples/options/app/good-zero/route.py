SECONDS = 0
revalidate = SECONDS


async def GET(request):
    return None
