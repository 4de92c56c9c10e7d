async def get(request):
    return None


@staticmethod
def unrelated():
    return None
