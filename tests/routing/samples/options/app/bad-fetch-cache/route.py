LIMIT = 1

fetch_cache = "no-store"


async def GET(request):
    return None
