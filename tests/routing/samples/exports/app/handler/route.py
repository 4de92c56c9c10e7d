

async def handler(request):
    return None
