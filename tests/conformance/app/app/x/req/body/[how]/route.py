"""Every way to read a request body, once and more than once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from waypost import Context, Request, Response

# request-body.big sends 2 MB; the default limit of a body is 1 MiB.
max_body_size = "4mb"


def guarded(read: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """`read`, with an error answered as 400 and the name it has in JavaScript."""

    async def reader(request: Request) -> Response:
        try:
            return await read(request)
        except Exception as error:
            # The Web has two error classes here: SyntaxError for text that is not JSON, TypeError for all else.
            name = "SyntaxError" if "JSON" in type(error).__name__ else "TypeError"
            return Response.json({"threw": name, "message": str(error)[:120]}, status=400)

    return reader


async def json(request: Request) -> Response:
    return Response.json({"got": await request.json()})


async def text(request: Request) -> Response:
    return Response.json({"got": await request.text()})


async def octets(request: Request) -> Response:
    return Response.json({"got": list((await request.array_buffer())[:64])})


async def blob(request: Request) -> Response:
    body = await request.blob()
    return Response.json({"size": body.size, "type": body.type})


async def form(request: Request) -> Response:
    entries: list[Any] = []
    for name, value in (await request.form_data()).entries():
        if isinstance(value, str):
            entries.append([name, value])
        else:
            start = (await value.text())[:50]
            entries.append([name, {"file": value.name, "type": value.type, "size": value.size, "text": start}])
    return Response.json({"entries": entries})


async def form_uncaught(request: Request) -> Response:
    return Response.json({"n": len(list((await request.form_data()).keys()))})


async def form_all(request: Request) -> Response:
    data = await request.form_data()
    return Response.json(
        {"all": data.get_all("k"), "one": data.get("k"), "missing": data.get("zz"), "has": data.has("k")}
    )


async def twice(request: Request) -> Response:
    return Response.json({"a": await request.text(), "b": await request.text()})


async def twice_json_text(request: Request) -> Response:
    try:
        await request.json()
    except Exception:
        pass
    return Response.json({"b": await request.text(), "used": request.body_used})


async def twice_uncaught(request: Request) -> Response:
    await request.text()
    return Response.json({"b": await request.text()})


async def clone(request: Request) -> Response:
    twin = request.clone()
    a, b = await request.text(), await twin.text()
    return Response.json({"a": a, "b": b, "cloneIsNext": hasattr(twin, "next_url")})


async def clone_late(request: Request) -> Response:
    await request.text()
    return Response.json({"b": await request.clone().text()})


async def used(request: Request) -> Response:
    before = request.body_used
    await request.text()
    return Response.json({"before": before, "after": request.body_used})


async def stream(request: Request) -> Response:
    if request.body is None:
        return Response.json({"body": None})
    size = chunks = 0
    async for chunk in request.body:
        chunks += 1
        size += len(chunk)
    return Response.json({"n": size, "chunked": chunks > 0})


async def locked(request: Request) -> Response:
    if request.body is not None:
        request.body.get_reader()
    return Response.json({"b": await request.text()})


async def ignore(request: Request) -> Response:
    return Response.json({"ignored": True})


async def length(request: Request) -> Response:
    fields = request.headers
    return Response.json(
        {"len": len(await request.text()), "cl": fields.get("content-length"), "te": fields.get("transfer-encoding")}
    )


async def echo_stream(request: Request) -> Response:
    return Response(request.body, headers={"content-type": "application/octet-stream"})


WAYS = {
    "json": guarded(json),
    "json-uncaught": json,
    "text": text,
    "bytes": octets,
    "blob": blob,
    "form": guarded(form),
    "form-uncaught": form_uncaught,
    "form-all": guarded(form_all),
    "twice": guarded(twice),
    "twice-json-text": guarded(twice_json_text),
    "twice-uncaught": twice_uncaught,
    "clone": clone,
    "clone-late": guarded(clone_late),
    "used": used,
    "stream": stream,
    "locked": guarded(locked),
    "ignore": ignore,
    "len": length,
    "echo-stream": echo_stream,
}


async def handler(request: Request, context: Context) -> Response:
    read = WAYS.get(context.params["how"])
    if read is None:
        return Response("?", status=404)
    return await read(request)


GET = POST = PUT = PATCH = DELETE = handler
