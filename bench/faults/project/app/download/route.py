"""`?mb=100&length=1`: a stream of that size, with or without its length; `&fail=N` raises after N MB."""

from lib.ledger import seen

from waypost import Response

BLOCK = bytes(range(256)) * 256


async def GET(request):
    query = request.next_url.search_params
    megabytes = int(query.get("mb") or "1")
    fail = int(query.get("fail") or "-1")

    async def blocks():
        try:
            for number in range(megabytes * 16):
                if fail >= 0 and number == fail * 16:
                    raise RuntimeError("in mid-stream")
                yield BLOCK
        finally:
            seen["download closed"] += 1

    headers = {"content-length": str(megabytes * 1048576)} if query.get("length") else {}
    return Response(blocks(), headers=headers)
