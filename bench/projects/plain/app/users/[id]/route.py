from waypost import Context, Request, Response


async def GET(request: Request, context: Context) -> Response:
    query = request.next_url.search_params
    return Response.json(
        {"id": int(context.params["id"]), "q": query.get("q"), "limit": int(query.get("limit") or "20")}
    )
