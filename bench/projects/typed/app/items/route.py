"""The order as a typed argument, read by msgspec."""

from meaning import msgspec_models, total

from waypost import Response

Order, Created = msgspec_models()


async def POST(body: Order) -> Response:  # type: ignore[valid-type]  # a class that is made at run time
    return Response.json(Created(body.id, body.name, total(body.lines), len(body.lines)), status=201)
