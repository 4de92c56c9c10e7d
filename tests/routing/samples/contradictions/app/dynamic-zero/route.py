dynamic = "force-dynamic"
revalidate = 0


async def GET(request):
    return None
