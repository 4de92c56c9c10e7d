LIMIT = 1

revalidate = "60"


async def GET(request):
    return None
