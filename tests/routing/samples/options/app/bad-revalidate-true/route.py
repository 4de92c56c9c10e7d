LIMIT = 1

revalidate = True


async def GET(request):
    return None
