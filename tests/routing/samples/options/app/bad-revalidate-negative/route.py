LIMIT = 1

revalidate = -1


async def GET(request):
    return None
