async def OPTIONS(request):
    return None


async def DELETE(request):
    return None


async def PATCH(request):
    return None


async def PUT(request):
    return None


async def POST(request):
    return None


async def HEAD(request):
    return None


async def GET(request):
    return None
