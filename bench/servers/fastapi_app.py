"""FastAPI as its documentation writes it: response model from the annotation, CORSMiddleware, an http middleware."""

import meaning
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse

Order, Created = meaning.pydantic_models()
app = FastAPI()

if meaning.GUARDED:

    @app.middleware("http")
    async def auth(request, call_next):
        if request.headers.get("authorization") != meaning.TOKEN:
            return JSONResponse({"error": "unauthorized"}, 401)
        return await call_next(request)

    app.add_middleware(CORSMiddleware, allow_origins=[meaning.ORIGIN], allow_methods=["*"])


@app.get("/json")
async def small():
    return meaning.SMALL


@app.get("/users/{id}")
async def user(id: int, q: str, limit: int):
    return {"id": id, "q": q, "limit": limit}


@app.post("/items", status_code=201)
@app.post("/items/pydantic", status_code=201)
async def items(order: Order) -> Created:
    return Created(id=order.id, name=order.name, total=meaning.total(order.lines), count=len(order.lines))


@app.get("/rows")
async def list_rows():
    return meaning.rows()


@app.get("/sse")
async def sse():
    return StreamingResponse(meaning.sse_chunks(), media_type="text/event-stream")


@app.get("/file")
async def file():
    return FileResponse(meaning.FILE, media_type="application/octet-stream")


@app.get("/cached")
async def cached():
    return Response(meaning.SMALL_BYTES, media_type="application/json")
