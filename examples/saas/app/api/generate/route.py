"""/api/generate: what the service is about. Costs a credit, ten a minute at most."""

from __future__ import annotations

from waypost import Response

from lib.auth import with_auth
from lib.generation import generate
from lib.ledger import give_back, spend
from lib.limits import generations
from lib.schema import User
from lib.validation import Prompt

PRICE = 1


@with_auth
@generations
async def POST(body: Prompt, user: User) -> Response:
    """Generate a text from {"prompt": …}; 402 without credits, 429 when it is too much at a time."""
    left = await spend(user.id, PRICE, "generation")
    if left is None:
        return Response.json({"error": "No credits left"}, status=402)
    try:
        text = await generate(body.prompt)
    except BaseException:
        await give_back(user.id, PRICE, "generation failed")
        raise
    return Response.json({"text": text, "credits": left})
