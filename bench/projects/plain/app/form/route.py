"""For the leak test: reads a form, urlencoded or multipart."""

from waypost import Request, Response


async def POST(request: Request) -> Response:
    form = await request.form_data()
    return Response.json({"fields": len(list(form.keys()))})
