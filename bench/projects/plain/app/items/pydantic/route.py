from meaning import pydantic_models, total

from waypost import Request, Response

Order, Created = pydantic_models()


async def POST(request: Request) -> Response:
    order = Order.model_validate_json(await request.bytes())
    created = Created(id=order.id, name=order.name, total=total(order.lines), count=len(order.lines))
    return Response.json(created, status=201)
