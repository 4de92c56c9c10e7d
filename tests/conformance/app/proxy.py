"""Everything middleware can do, and the guide's global CORS; the matcher leaves /x alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from waypost import URL, Headers, ReadableStream, Request, Response

ALLOWED_ORIGINS = ["https://your-frontend.com"]

config = {"matcher": ["/api/:path*", "/mw/:path*"]}


async def proxy(request: Request) -> Any:
    path = request.next_url.pathname
    if path == "/mw/body":
        headers = Headers(request.headers)
        headers.set("x-mw-body", await request.text())
        return Response.next(request_headers=headers)
    if path.startswith("/mw/"):
        answer = ANSWERS.get(path)
        return Response.next() if answer is None else answer(request)
    return cors(request)


def cors(request: Request) -> Response:
    """The guide's global CORS."""
    origin = request.headers.get("origin") or ""
    allowed = origin in ALLOWED_ORIGINS
    if request.method == "OPTIONS":
        response = Response(None, status=204)
        if allowed:
            response.headers.set("Access-Control-Allow-Origin", origin)
            response.headers.set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS")
            response.headers.set("Access-Control-Allow-Headers", "Content-Type, Authorization")
        return response
    response = Response.next()
    if allowed:
        response.headers.set("Access-Control-Allow-Origin", origin)
    return response


def at(request: Request, path: str) -> URL:
    return URL(path, request.url)


def rewrite_keep_query(request: Request) -> Response:
    url = request.next_url.clone()
    url.pathname = "/x/req/echo"
    return Response.rewrite(url)


def rewrite_external(request: Request) -> Response:
    return Response.rewrite(URL("/static?from=mw", os.environ["UPSTREAM_URL"]))


def respond_stream(request: Request) -> Response:
    def start(controller: Any) -> None:
        controller.enqueue(b"a-")
        controller.enqueue(b"b")
        controller.close()

    return Response(ReadableStream(start=start))


def override(request: Request) -> Response:
    headers = Headers(request.headers)
    headers.set("x-from-mw", "hello")
    headers.set("user-agent", "overridden")
    headers.delete("x-remove-me")
    return Response.next(request_headers=headers)


def header(request: Request) -> Response:
    response = Response.next()
    response.headers.set("x-mw", "from-proxy")
    response.headers.set("x-both", "proxy")
    response.headers.append("vary", "Origin")
    return response


def cookie(request: Request) -> Response:
    response = Response.next()
    response.cookies.set("mwc", "v1", path="/", http_only=True)
    return response


def cookie_delete(request: Request) -> Response:
    response = Response.next()
    response.cookies.delete("mwc")
    return response


def cookie_request(request: Request) -> Response:
    request.cookies.set("injected", "yes")
    return Response.next(request_headers=request.headers)


def throw(request: Request) -> Response:
    raise RuntimeError("proxy exploded")


def info(request: Request) -> Response:
    return Response.json(
        {
            "method": request.method,
            "url": request.url,
            "pathname": request.next_url.pathname,
            "search": request.next_url.search,
            "runtime": "nodejs",
            "cookies": [{"name": cookie.name, "value": cookie.value} for cookie in request.cookies.get_all()],
        }
    )


ANSWERS: dict[str, Callable[[Request], Any]] = {
    "/mw/rewrite": lambda r: Response.rewrite(at(r, "/x/req/echo?rewritten=1")),
    "/mw/rewrite-keepquery": rewrite_keep_query,
    "/mw/rewrite-missing": lambda r: Response.rewrite(at(r, "/nope/none")),
    "/mw/rewrite-status": lambda r: Response.rewrite(at(r, "/x/get-only"), headers={"x-mw": "teapot"}),
    "/mw/rewrite-external": rewrite_external,
    "/mw/redirect": lambda r: Response.redirect(at(r, "/x/get-only")),
    "/mw/redirect-308": lambda r: Response.redirect(at(r, "/x/get-only?a=1"), 308),
    "/mw/redirect-external": lambda r: Response.redirect("https://example.com/there"),
    "/mw/redirect-native": lambda r: Response.redirect(at(r, "/x/get-only"), 302),
    "/mw/respond": lambda r: Response.json({"from": "proxy"}, status=401, headers={"x-mw": "direct"}),
    "/mw/respond-native": lambda r: Response("plain from proxy", status=202),
    "/mw/respond-stream": respond_stream,
    "/mw/override": override,
    "/mw/header": header,
    "/mw/cookie": cookie,
    "/mw/cookie-delete": cookie_delete,
    "/mw/cookie-request": cookie_request,
    "/mw/throw": throw,
    "/mw/undefined": lambda r: None,
    "/mw/string": lambda r: "just a string",
    "/mw/info": info,
}
