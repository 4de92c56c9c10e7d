async def page(request):
    return "<!doctype html>"
