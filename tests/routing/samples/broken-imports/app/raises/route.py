def first():
    return {}['key']


VALUE = first()


async def GET(request):
    return None
