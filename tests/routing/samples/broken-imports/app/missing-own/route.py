from lib.nothing import x


async def GET(request):
    return None
