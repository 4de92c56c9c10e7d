GET = 1


async def put(request):
    return None


revalidate = 'x'
