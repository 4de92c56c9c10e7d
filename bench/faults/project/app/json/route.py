from waypost import Response


async def GET(request):
    return Response.json({"ok": True})
