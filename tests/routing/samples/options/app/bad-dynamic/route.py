LIMIT = 1

dynamic = "sometimes"


async def GET(request):
    return None
