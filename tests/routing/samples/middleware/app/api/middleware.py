async def middleware(request):
    return None
