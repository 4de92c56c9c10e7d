async def GET(request):
    return None


async def delete(request):
    return None
