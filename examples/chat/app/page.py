from waypost import redirect


async def page() -> None:
    redirect("/chat")
