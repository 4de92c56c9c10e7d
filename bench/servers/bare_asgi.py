"""An ASGI application with no framework: what the server under it costs when the application costs nothing."""

from urllib.parse import parse_qsl

import meaning
import msgspec

Order, Created = meaning.msgspec_models()
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Order).decode
JSON = (b"content-type", b"application/json")
TOKEN, ORIGIN = meaning.TOKEN.encode(), meaning.ORIGIN.encode()
CORS = [(b"access-control-allow-origin", ORIGIN), (b"vary", b"Origin")]


async def reply(send, status, body, extra=()):
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [JSON, (b"content-length", b"%d" % len(body)), *extra],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def read(receive):
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message.get("more_body"):
            return body


async def small(scope, receive, send):
    await reply(send, 200, encode(meaning.SMALL))


async def guarded(scope, receive, send):
    headers = dict(scope["headers"])
    if headers.get(b"authorization") != TOKEN:
        await reply(send, 401, b"")
        return
    await reply(send, 200, encode(meaning.SMALL), CORS if headers.get(b"origin") == ORIGIN else ())


async def cached(scope, receive, send):
    await reply(send, 200, meaning.SMALL_BYTES)


async def items(scope, receive, send):
    order = decode(await read(receive))
    await reply(send, 201, encode(Created(order.id, order.name, meaning.total(order.lines), len(order.lines))))


async def items_pydantic(scope, receive, send):
    order_model, created_model = meaning.pydantic_models()
    order = order_model.model_validate_json(await read(receive))
    created = created_model(id=order.id, name=order.name, total=meaning.total(order.lines), count=len(order.lines))
    await reply(send, 201, created.model_dump_json().encode())


async def list_rows(scope, receive, send):
    await reply(send, 200, encode(meaning.rows()))


async def sse(scope, receive, send):
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for chunk in meaning.sse_chunks():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def file(scope, receive, send):
    headers = [(b"content-type", b"application/octet-stream"), (b"content-length", b"%d" % meaning.FILE_SIZE)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if "http.response.pathsend" in scope.get("extensions", ()):
        await send({"type": "http.response.pathsend", "path": meaning.FILE})
        return
    with open(meaning.FILE, "rb") as source:
        while chunk := source.read(131072):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


ROUTES = {
    "/json": guarded if meaning.GUARDED else small,
    "/cached": cached,
    "/items": items,
    "/items/pydantic": items_pydantic,
    "/rows": list_rows,
    "/sse": sse,
    "/file": file,
}


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    path = scope["path"]
    handler = ROUTES.get(path)
    if handler is not None:
        await handler(scope, receive, send)
    elif path.startswith("/users/"):
        query = dict(parse_qsl(scope["query_string"].decode()))
        await reply(send, 200, encode({"id": int(path[7:]), "q": query["q"], "limit": int(query["limit"])}))
    else:
        await reply(send, 404, b"")
