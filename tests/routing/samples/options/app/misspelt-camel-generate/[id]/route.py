async def generateStaticParams():
    return []


async def GET(request):
    return None
