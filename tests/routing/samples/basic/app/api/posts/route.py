from lib.db import db


async def GET(request):
    return db


async def POST(request):
    return db
