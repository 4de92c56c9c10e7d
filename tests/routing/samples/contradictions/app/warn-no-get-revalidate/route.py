revalidate = False


async def POST(request):
    return None
