def revalidate():
    return None


async def GET(request):
    return None
