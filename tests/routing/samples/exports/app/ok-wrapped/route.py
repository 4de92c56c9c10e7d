def with_auth(handler):
    def inner(request, context):
        return handler(request, context)

    return inner


async def handler(request, context):
    return None


GET = with_auth(handler)
POST = DELETE = GET
