"""An RSGI application with no framework, for granian."""

from urllib.parse import parse_qsl

import meaning
import msgspec

Order, Created = meaning.msgspec_models()
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Order).decode
JSON = [("content-type", "application/json")]
CORS = [*JSON, ("access-control-allow-origin", meaning.ORIGIN), ("vary", "Origin")]
SSE = [("content-type", "text/event-stream"), ("cache-control", "no-cache")]
BINARY = [("content-type", "application/octet-stream"), ("content-length", str(meaning.FILE_SIZE))]


async def small(scope, protocol):
    protocol.response_bytes(200, JSON, encode(meaning.SMALL))


async def guarded(scope, protocol):
    headers = scope.headers
    if headers.get("authorization") != meaning.TOKEN:
        protocol.response_empty(401, [])
        return
    protocol.response_bytes(200, CORS if headers.get("origin") == meaning.ORIGIN else JSON, encode(meaning.SMALL))


async def items(scope, protocol):
    order = decode(await protocol())
    created = Created(order.id, order.name, meaning.total(order.lines), len(order.lines))
    protocol.response_bytes(201, JSON, encode(created))


async def list_rows(scope, protocol):
    protocol.response_bytes(200, JSON, encode(meaning.rows()))


async def sse(scope, protocol):
    send = protocol.response_stream(200, SSE).send_bytes
    async for chunk in meaning.sse_chunks():
        await send(chunk)


async def file(scope, protocol):
    protocol.response_file(200, BINARY, meaning.FILE)


async def cached(scope, protocol):
    protocol.response_bytes(200, JSON, meaning.SMALL_BYTES)


ROUTES = {
    "/json": guarded if meaning.GUARDED else small,
    "/items": items,
    "/rows": list_rows,
    "/sse": sse,
    "/file": file,
    "/cached": cached,
}


async def app(scope, protocol):
    path = scope.path
    handler = ROUTES.get(path)
    if handler is not None:
        await handler(scope, protocol)
    elif path.startswith("/users/"):
        query = dict(parse_qsl(scope.query_string))
        answer = {"id": int(path[7:]), "q": query["q"], "limit": int(query["limit"])}
        protocol.response_bytes(200, JSON, encode(answer))
    else:
        protocol.response_empty(404, [])
