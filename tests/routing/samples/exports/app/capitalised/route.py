async def Get(request):
    return None
