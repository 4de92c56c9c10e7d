async def proxy(request):
    return None
