import json

VALUE = json.loads('{')


async def GET(request):
    return None
