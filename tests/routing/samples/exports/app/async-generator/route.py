async def GET(request):
    yield 'a'
