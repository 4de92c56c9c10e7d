"""Starlette as its documentation writes it: JSONResponse, CORSMiddleware, a BaseHTTPMiddleware for the token."""

import meaning
import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Order, Created = meaning.msgspec_models()
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Order).decode


async def small(request):
    return JSONResponse(meaning.SMALL)


async def user(request):
    query = request.query_params
    return JSONResponse({"id": request.path_params["id"], "q": query["q"], "limit": int(query["limit"])})


async def items(request):
    order = decode(await request.body())
    created = Created(order.id, order.name, meaning.total(order.lines), len(order.lines))
    return Response(encode(created), 201, media_type="application/json")


async def items_pydantic(request):
    order_model, created_model = meaning.pydantic_models()
    order = order_model.model_validate_json(await request.body())
    created = created_model(id=order.id, name=order.name, total=meaning.total(order.lines), count=len(order.lines))
    return Response(created.model_dump_json(), 201, media_type="application/json")


async def list_rows(request):
    return JSONResponse(meaning.rows())


async def sse(request):
    return StreamingResponse(meaning.sse_chunks(), media_type="text/event-stream")


async def file(request):
    return FileResponse(meaning.FILE, media_type="application/octet-stream")


async def download(request):
    return FileResponse(meaning.FILE, filename="100m.bin")


async def upload(request):
    async with request.form() as form:
        return JSONResponse({"size": form["file"].size})


async def cached(request):
    return Response(meaning.SMALL_BYTES, media_type="application/json")


class Auth(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        if request.headers.get("authorization") != meaning.TOKEN:
            return JSONResponse({"error": "unauthorized"}, 401)
        return await call_next(request)


app = Starlette(
    routes=[
        Route("/json", small),
        Route("/users/{id:int}", user),
        Route("/items", items, methods=["POST"]),
        Route("/items/pydantic", items_pydantic, methods=["POST"]),
        Route("/rows", list_rows),
        Route("/sse", sse),
        Route("/file", file),
        Route("/download", download),
        Route("/upload", upload, methods=["POST"]),
        Route("/cached", cached),
    ],
    middleware=[Middleware(CORSMiddleware, allow_origins=[meaning.ORIGIN]), Middleware(Auth)]
    if meaning.GUARDED
    else [],
)
