async def GET(request):
    x = (1,
         2
    return x
