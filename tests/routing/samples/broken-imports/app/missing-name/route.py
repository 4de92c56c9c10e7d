from lib.good import nothing


async def GET(request):
    return None
