async def answer(request=None):
    return None


GET = answer()
