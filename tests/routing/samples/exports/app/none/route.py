async def POST(request):
    return None


GET = None
