class Post:
    pass


class Options(dict):
    pass


options = {'a': 1}
head = 'x'
PAGE_SIZE = 10


def get(key):
    return key


async def GET(request):
    return get('x')
