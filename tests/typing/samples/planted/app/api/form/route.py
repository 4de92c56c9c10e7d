from __future__ import annotations

from waypost import Request, Response, cookies, headers


async def POST(request: Request) -> Response:
    form = await request.form_data()
    data = await form.get("file").bytes()  # planted: it may be a text, or missing
    theme = cookies().get("theme").value  # planted: it may be missing
    cookies().set("theme", theme, same_site="laks")  # planted: lax
    cookies().set("theme", theme, httpOnly=True)  # planted, but for ty: http_only
    token = headers().get("authorization").removeprefix("Bearer ")  # planted: it may be missing
    response = Response.json({"size": len(data), "token": len(token)}, status="201")  # planted: a number
    response.headers["X-Size"] = len(data)  # planted: a text
    response.status = 202  # planted: said when it is made
    return response.jsn()  # planted: no such method


async def PUT(request: Request) -> Response:
    return Response(5)  # planted: no body is a number
