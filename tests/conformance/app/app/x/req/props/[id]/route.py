from __future__ import annotations

from waypost import Context, Request, Response


async def GET(request: Request, context: Context) -> Response:
    return Response.json(
        {
            "ctxKeys": [name for name in ("params",) if hasattr(context, name)],
            "params": await context.params,
            "syncAccess": context.params["id"],
            "keys": list(context.params),
        }
    )
