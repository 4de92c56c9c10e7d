revalidate = False
preferred_region = "home"
max_body_size = 2_000


async def GET(request):
    return None
