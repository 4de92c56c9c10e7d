"""/api/generate: what the service is about. Costs a credit, ten a minute at most."""

from __future__ import annotations

from waypost import Request, Response

from lib.auth import with_auth
from lib.generation import generate
from lib.ledger import give_back, spend
from lib.limits import generations
from lib.schema import User
from lib.validation import Prompt, read_json

PRICE = 1


@with_auth
@generations
async def POST(request: Request, user: User) -> Response:
    """Generate a text from {"prompt": …}; 402 without credits, 429 when it is too much at a time."""
    body = await read_json(request, Prompt)
    left = await spend(user.id, PRICE, "generation")
    if left is None:
        return Response.json({"error": "No credits left"}, status=402)
    try:
        text = await generate(body.prompt)
    except BaseException:
        await give_back(user.id, PRICE, "generation failed")
        raise
    return Response.json({"text": text, "credits": left})
