from __future__ import annotations

from waypost import File, Request, Response, cookies, headers


async def POST(request: Request) -> Response:
    form = await request.form_data()
    name, file = form.get("name"), form.get("file")
    if not isinstance(name, str) or not isinstance(file, File):
        return Response.json({"error": "No file provided"}, status=400)
    data = await file.bytes()
    theme = cookies().get("theme")
    session = (await cookies()).get("session")
    cookies().set("theme", theme.value if theme else "dark", http_only=True, same_site="lax", max_age=60)
    response = Response.json({"name": name.upper(), "size": len(data), "in": session is not None})
    response.cookies.set("seen", "1")
    response.headers["X-Agent"] = (await headers()).get("user-agent", "none")
    return response
