import nowhere_to_be_found


async def GET(request):
    return None
