import msgspec
from meaning import msgspec_models, total

from waypost import Request, Response

Order, Created = msgspec_models()
decode = msgspec.json.Decoder(Order).decode


async def POST(request: Request) -> Response:
    order = decode(await request.bytes())
    return Response.json(Created(order.id, order.name, total(order.lines), len(order.lines)), status=201)
