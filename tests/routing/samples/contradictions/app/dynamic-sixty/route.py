dynamic = "force-dynamic"
revalidate = 60


async def GET(request):
    return None
