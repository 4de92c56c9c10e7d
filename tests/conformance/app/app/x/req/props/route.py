"""What a Request is and has. The properties of a browser's fetch() do not exist on a server's Request."""

from __future__ import annotations

from waypost import AbortSignal, Context, NextRequest, Request, Response

BROWSER_ONLY = (
    "mode",
    "cache",
    "credentials",
    "redirect",
    "referrer",
    "destination",
    "integrity",
    "keepalive",
    "duplex",
)


async def handler(request: Request, context: Context) -> Response:
    return Response.json(
        {
            "isRequest": isinstance(request, Request),
            "isNextRequest": isinstance(request, NextRequest),
            "ctor": type(request).__name__,
            "hasBody": request.body is not None,
            "bodyUsed": request.body_used,
            **{name: getattr(request, name, None) for name in BROWSER_ONLY},
            "signal": isinstance(request.signal, AbortSignal),
            "ctxKeys": [name for name in ("params",) if hasattr(context, name)],
            "params": await context.params,
            "paramsIsPromise": hasattr(context.params, "__await__"),
            "argCount": 2,
        }
    )


GET = POST = handler
