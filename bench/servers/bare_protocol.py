"""The limit of the design: uvloop + httptools, one asyncio.Protocol, one task a request.

No framework, no limits, no error handling, no time-outs: only something to measure against.
    python bare_protocol.py PORT
"""

import asyncio
import sys
import time
from urllib.parse import parse_qsl

import httptools
import meaning
import msgspec
import uvloop

Order, Created = meaning.msgspec_models()
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Order).decode
LINE = {
    status: b"HTTP/1.1 %d %s\r\n" % (status, text)
    for status, text in [(200, b"OK"), (201, b"Created"), (401, b"Unauthorized"), (404, b"Not Found")]
}
JSON = {"content-type": "application/json"}
JSON_CORS = {**JSON, "access-control-allow-origin": meaning.ORIGIN, "vary": "Origin"}
SSE = {"content-type": "text/event-stream", "cache-control": "no-cache"}
TOKEN, ORIGIN = meaning.TOKEN.encode(), meaning.ORIGIN.encode()


class Request:
    __slots__ = ("headers", "method", "protocol", "target")

    def __init__(self, method, target, headers, protocol):
        self.method, self.target, self.headers, self.protocol = method, target, headers, protocol

    async def bytes(self):
        return await self.protocol.read_body()


class Response:
    __slots__ = ("body", "headers", "status")

    def __init__(self, body, status=200, headers=JSON):
        self.status, self.headers, self.body = status, headers, body


async def small(request):
    return Response(encode(meaning.SMALL))


async def guarded(request):
    headers = {name.lower(): value for name, value in request.headers}
    if headers.get(b"authorization") != TOKEN:
        return Response(b"", 401)
    return Response(encode(meaning.SMALL), 200, JSON_CORS if headers.get(b"origin") == ORIGIN else JSON)


async def cached(request):
    return Response(meaning.SMALL_BYTES)


async def user(request):
    path, _, query = request.target.decode("ascii").partition("?")
    values = dict(parse_qsl(query))
    return Response(encode({"id": int(path[7:]), "q": values["q"], "limit": int(values["limit"])}))


async def items(request):
    order = decode(await request.bytes())
    return Response(encode(Created(order.id, order.name, meaning.total(order.lines), len(order.lines))), 201)


async def list_rows(request):
    return Response(encode(meaning.rows()))


async def sse(request):
    return Response(meaning.sse_chunks(), 200, SSE)


async def missing(request):
    return Response(b"", 404)


ROUTES = {
    b"/json": guarded if meaning.GUARDED else small,
    b"/cached": cached,
    b"/items": items,
    b"/rows": list_rows,
    b"/sse": sse,
}


class Protocol(asyncio.Protocol):
    __slots__ = (
        "body",
        "clock",
        "done",
        "headers",
        "loop",
        "out",
        "parser",
        "size",
        "task",
        "transport",
        "url",
        "waiter",
        "writable",
    )

    def __init__(self, loop, clock):
        self.loop, self.clock = loop, clock

    def connection_made(self, transport):
        self.transport, self.parser, self.writable = transport, httptools.HttpRequestParser(self), None

    def data_received(self, data):
        self.parser.feed_data(data)

    def pause_writing(self):
        self.writable = self.loop.create_future()

    def resume_writing(self):
        future, self.writable = self.writable, None
        if future and not future.done():
            future.set_result(None)

    def connection_lost(self, error):
        pass

    def on_message_begin(self):
        self.headers, self.url, self.body, self.done, self.waiter = [], b"", [], False, None

    def on_url(self, url):
        self.url += url

    def on_header(self, name, value):
        self.headers.append((name, value))

    def on_headers_complete(self):
        request = Request(self.parser.get_method(), self.url, self.headers, self)
        path = self.url.partition(b"?")[0]
        handler = ROUTES.get(path) or (user if path.startswith(b"/users/") else missing)
        self.task = self.loop.create_task(self.run(handler, request))

    def on_body(self, chunk):
        self.body.append(chunk)

    def on_message_complete(self):
        self.done = True
        if self.waiter:
            self.waiter.set_result(None)

    async def read_body(self):
        if not self.done:
            self.waiter = self.loop.create_future()
            await self.waiter
        return self.body[0] if len(self.body) == 1 else b"".join(self.body)

    async def run(self, handler, request):
        response = await handler(request)
        head = [LINE[response.status]]
        for name, value in response.headers.items():
            head.append(f"{name}: {value}\r\n".encode("latin-1"))
        head.append(self.clock[0])
        if response.body.__class__ is bytes:
            head.append(b"content-length: %d\r\n\r\n" % len(response.body))
            head.append(response.body)
            self.transport.write(b"".join(head))
            return
        head.append(b"transfer-encoding: chunked\r\n\r\n")
        self.out, self.size = head, 0
        self.loop.call_soon(self.flush)
        async for chunk in response.body:
            # uvloop 0.23 makes one system call of each write. What a body gives without waiting goes out together,
            # at once when it waits: the flush runs as soon as this task lets the loop go on.
            if not self.out:
                self.loop.call_soon(self.flush)
            self.out.append(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self.size += len(chunk)
            if self.size > 65536:
                self.flush()
            if self.writable is not None:
                await self.writable
        self.out.append(b"0\r\n\r\n")
        self.flush()

    def flush(self):
        if self.out:
            self.transport.write(b"".join(self.out))
            self.out, self.size = [], 0


async def main(port):
    loop = asyncio.get_running_loop()
    clock = [b""]

    def tick():
        clock[0] = time.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime()).encode()
        loop.call_later(1, tick)

    tick()
    server = await loop.create_server(lambda: Protocol(loop, clock), "127.0.0.1", port)
    await server.serve_forever()


uvloop.run(main(int(sys.argv[1])))
