import asyncio

from lib.ledger import seen

from waypost import Response


async def GET(request):
    try:
        await asyncio.sleep(float(request.next_url.search_params.get("s") or "2"))
    except asyncio.CancelledError:
        seen["slow cancelled"] += 1
        raise
    return Response("done")
