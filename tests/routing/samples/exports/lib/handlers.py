def GET(request):
    return None


def get(key):
    return key


def handler(request):
    return None


def patch(target):
    return target
