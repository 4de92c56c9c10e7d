"""The order as a typed argument, read by pydantic."""

from meaning import pydantic_models, total

from waypost import Response

Order, Created = pydantic_models()


async def POST(body: Order) -> Response:  # type: ignore[valid-type]  # a class that is made at run time
    created = Created(id=body.id, name=body.name, total=total(body.lines), count=len(body.lines))
    return Response.json(created, status=201)
