from .neighbour import value
from lib.good import good


async def GET(request):
    return value + good
