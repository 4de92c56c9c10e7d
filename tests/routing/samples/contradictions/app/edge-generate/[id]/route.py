runtime = "edge"


async def generate_static_params():
    return []


async def GET(request):
    return None
