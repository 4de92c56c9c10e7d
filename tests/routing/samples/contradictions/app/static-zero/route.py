dynamic = "force-static"
revalidate = 0


async def GET(request):
    return None
