from lib.broken import x


async def GET(request):
    return None
