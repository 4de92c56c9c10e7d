def GET(request, context):
    return context.params


def PUT(request, context):
    return None


def DELETE(request):
    return None
