REVALIDATE = 5
revalidate = REVALIDATE
run_times = []
valid = True


async def GET(request):
    return None
