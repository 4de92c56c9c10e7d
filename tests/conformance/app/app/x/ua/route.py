"""What the User-Agent says."""

from __future__ import annotations

from waypost import Request, Response, user_agent


async def GET(request: Request) -> Response:
    agent = user_agent(request)
    return Response.json(
        {
            "ua": agent.ua,
            "browser": agent.browser,
            "engine": agent.engine,
            "os": agent.os,
            "device": agent.device,
            "cpu": agent.cpu,
            "isBot": agent.is_bot,
        }
    )
