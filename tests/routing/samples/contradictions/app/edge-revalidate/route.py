runtime = "edge"
revalidate = 60


async def GET(request):
    return None
