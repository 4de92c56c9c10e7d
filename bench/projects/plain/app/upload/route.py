"""Reads a form with one file whole, and says how large the file is."""

from waypost import Request, Response

max_body_size = "200mb"


async def POST(request: Request) -> Response:
    form = await request.form_data()
    return Response.json({"size": form.file("file").size})
