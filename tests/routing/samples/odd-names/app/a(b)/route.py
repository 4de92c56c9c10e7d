async def GET(request):
    return None
