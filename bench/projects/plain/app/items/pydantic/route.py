from meaning import pydantic_models, total

from waypost import Request, Response


async def POST(request: Request) -> Response:
    order_model, created_model = pydantic_models()  # at the first request: idle memory is without pydantic
    order = order_model.model_validate_json(await request.bytes())
    created = created_model(id=order.id, name=order.name, total=total(order.lines), count=len(order.lines))
    return Response.json(created, status=201)
