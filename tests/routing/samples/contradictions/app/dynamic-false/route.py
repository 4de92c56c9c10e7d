dynamic = "force-dynamic"
revalidate = False


async def GET(request):
    return None
