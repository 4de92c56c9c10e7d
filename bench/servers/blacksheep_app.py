"""BlackSheep as its documentation writes it: typed handlers, use_cors, a middleware function for the token."""

import meaning
import msgspec
from blacksheep import Application, Content, FromJSON, Request, Response, StreamedContent, get, json, post
from blacksheep import file as file_response

Order, Created = meaning.msgspec_models()
PydanticOrder, _ = meaning.pydantic_models()
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Order).decode
app = Application()

if meaning.GUARDED:
    app.use_cors(allow_methods="*", allow_origins=meaning.ORIGIN)

    async def auth(request, handler):
        if request.get_first_header(b"authorization") != meaning.TOKEN.encode():
            return Response(401)
        return await handler(request)

    app.middlewares.append(auth)


@get("/json")
async def small():
    return json(meaning.SMALL)


@get("/users/{int:id}")
async def user(id: int, q: str, limit: int):
    return json({"id": id, "q": q, "limit": limit})


@post("/items")
async def items(request: Request):
    order = decode(await request.read())
    created = Created(order.id, order.name, meaning.total(order.lines), len(order.lines))
    return Response(201, content=Content(b"application/json", encode(created)))


@post("/items/pydantic")
async def items_pydantic(data: FromJSON[PydanticOrder]):
    order = data.value
    return json(
        {"id": order.id, "name": order.name, "total": meaning.total(order.lines), "count": len(order.lines)}, 201
    )


@get("/rows")
async def list_rows():
    return json(meaning.rows())


@get("/sse")
async def sse():
    return Response(200, content=StreamedContent(b"text/event-stream", meaning.sse_chunks))


@get("/file")
async def file():
    return file_response(meaning.FILE, "application/octet-stream")


@get("/cached")
async def cached():
    return Response(200, content=Content(b"application/json", meaning.SMALL_BYTES))
