from __future__ import annotations

from waypost import FormData
from waypost.testing import AsyncClient, Client


def ask(client: Client) -> str:
    client.post("/api/posts", json={"title": "Hello"}, headers={"X-Key": "1"})
    client.put("/api/posts", body=FormData())
    with client.stream("GET", "/api/stream") as response:
        first = next(iter(response)).decode()
    answer = client.get("/api/posts", params={"q": first})
    return f"{answer.status + 1} {answer.text.upper()} {answer.headers['content-type'].lower()}"


async def ask_async(client: AsyncClient) -> int:
    return (await client.delete("/api/posts")).status
