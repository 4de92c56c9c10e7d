"""The order as a typed argument, read by pydantic; the answer a model, held to its schema (as FastAPI does)."""

from meaning import pydantic_models, total

Order, Created = pydantic_models()
responses = {"POST": {201: Created}}


async def POST(body: Order) -> Created:  # type: ignore[valid-type]  # classes that are made at run time
    return Created(id=body.id, name=body.name, total=total(body.lines), count=len(body.lines))
