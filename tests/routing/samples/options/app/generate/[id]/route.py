generate_static_params = [{"id": "1"}]


async def GET(request):
    return None
