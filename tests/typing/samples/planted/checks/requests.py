from __future__ import annotations

from waypost.testing import AsyncClient, Client


def ask(client: Client) -> int:
    client.post("/api/posts", jsn={"title": "Hello"})  # planted, but for ty: json
    client.get("/api/posts", params={"page": 1})  # planted: a text
    return client.get("/api/posts").status_code  # planted: status


async def ask_async(client: AsyncClient) -> int:
    return client.delete("/api/posts").status  # planted: not awaited
