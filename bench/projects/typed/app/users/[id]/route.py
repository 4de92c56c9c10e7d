"""The parameters of the path and the query as typed arguments."""

import msgspec

from waypost import Response


class Query(msgspec.Struct):
    q: str | None = None
    limit: int = 20


async def GET(id: int, query: Query) -> Response:
    return Response.json({"id": id, "q": query.q, "limit": query.limit})
