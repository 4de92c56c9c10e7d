revalidate = None
max_body_size = None
max_duration = None
preferred_region = None


async def GET(request):
    return None
