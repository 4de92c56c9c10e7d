"""Litestar as its documentation writes it: typed handlers, CORSConfig, an ASGIMiddleware for the token."""

from os import SEEK_END
from typing import Annotated, Any

import meaning
from litestar import Litestar, Response, get, post
from litestar.config.cors import CORSConfig
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import ASGIMiddleware
from litestar.params import Body
from litestar.response import File, Stream

Order, Created = meaning.msgspec_models()
PydanticOrder, PydanticCreated = meaning.pydantic_models()


@get("/json")
async def small() -> dict[str, Any]:
    return meaning.SMALL


@get("/users/{id:int}")
async def user(id: int, q: str, limit: int) -> dict[str, Any]:
    return {"id": id, "q": q, "limit": limit}


@post("/items")
async def items(data: Order) -> Created:
    return Created(data.id, data.name, meaning.total(data.lines), len(data.lines))


@post("/items/pydantic")
async def items_pydantic(data: PydanticOrder) -> PydanticCreated:
    return PydanticCreated(id=data.id, name=data.name, total=meaning.total(data.lines), count=len(data.lines))


@get("/rows")
async def list_rows() -> list[dict[str, Any]]:
    return meaning.rows()


@get("/sse")
async def sse() -> Stream:
    return Stream(meaning.sse_chunks(), media_type="text/event-stream")


@get("/file")
async def file() -> File:
    return File(meaning.FILE, media_type="application/octet-stream")


@get("/download")
async def download() -> File:
    return File(meaning.FILE, filename="100m.bin")


@post("/upload", status_code=200, request_max_body_size=200_000_000)
async def upload(
    data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)],
) -> dict[str, int]:
    file = data["file"].file
    return {"size": file.seek(0, SEEK_END)}


@get("/cached")
async def cached() -> Response[bytes]:
    return Response(meaning.SMALL_BYTES, media_type="application/json")


class Auth(ASGIMiddleware):
    async def handle(self, scope, receive, send, next_app):
        if dict(scope["headers"]).get(b"authorization") != meaning.TOKEN.encode():
            raise NotAuthorizedException
        await next_app(scope, receive, send)


app = Litestar(
    [small, user, items, items_pydantic, list_rows, sse, file, download, upload, cached],
    openapi_config=None,
    logging_config=None,
    cors_config=CORSConfig(allow_origins=[meaning.ORIGIN]) if meaning.GUARDED else None,
    middleware=[Auth()] if meaning.GUARDED else [],
)
