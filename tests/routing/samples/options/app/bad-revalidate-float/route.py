LIMIT = 1

revalidate = 1.5


async def GET(request):
    return None
