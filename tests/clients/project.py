"""A project with one route of each kind that clients have to call, and the pieces that run a client against it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.running import Running, running, write
from tests.openapi import odd_names

POSTS = '''"""The posts of a blog."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from waypost import Response


class NewPost(BaseModel):
    title: Annotated[str, Field(min_length=1, max_length=20, examples=["Hello"])]
    tags: list[str] = []


class Post(NewPost):
    id: int
    kind: Literal["draft", "public"] = "public"
    author: str | None = None


class Page(BaseModel):
    data: list[Post]
    page: int
    asked: list[str]


class Query(BaseModel):
    page: Annotated[int, Field(ge=1)] = 1
    tag: list[str] = []


responses = {"POST": {201: Post}}

FIRST = Post(id=1, title="Hello", tags=["a"])


async def GET(query: Query) -> Page:
    """List posts.

    Page by page.
    """
    return Page(data=[FIRST], page=query.page, asked=query.tag)


async def POST(body: NewPost) -> Response[Post]:
    """Add a post."""
    return Response.json({**body.model_dump(), "id": 2, "kind": "draft", "author": None}, status=201)
'''

POST = '''from __future__ import annotations

import msgspec
from waypost import Response, not_found


class Post(msgspec.Struct):
    id: int
    title: str


async def GET(id: int) -> Post:
    """One post."""
    if id != 1:
        not_found()
    return Post(id, "Hello")


responses = {"DELETE": {204: "It is gone."}}


async def DELETE(id: int) -> Response:
    return Response(None, status=204)
'''

FILES = {
    "pyproject.toml": '[project]\nname = "blog"\nversion = "1.2.3"\ndescription = "Posts."\n',
    "app/api/posts/route.py": POSTS,
    "app/api/posts/[id]/route.py": POST,
    "app/api/blog-posts/delete/route.py": "async def GET():\n    return {'deleted': False}\n",
    "app/api/files/[...path]/route.py": (
        "from waypost import Context\nasync def GET(context: Context):\n    return {'path': context.params['path']}\n"
    ),
    "app/api/files/route.py": """
from __future__ import annotations
from typing import TypedDict
import msgspec
from waypost import File

class Upload(msgspec.Struct):
    file: File
    note: str = ""
    more: list[File] = []

class Told(TypedDict):
    name: str
    size: int
    note: str
    more: int

async def POST(form: Upload) -> Told:
    return {"name": form.file.name, "size": form.file.size, "note": form.note, "more": len(form.more)}
""",
    "app/api/events/route.py": """
from waypost.sse import EventStream
async def GET() -> EventStream:
    async def events():
        for number in range(3):
            yield {"number": number}
    return EventStream(events())
""",
    "app/api/echo/route.py": """
from waypost import Request
async def PUT(request: Request):
    return {
        "body": await request.json(),
        "note": request.headers.get("x-note"),
        "agent": request.headers.get("x-client"),
    }
async def PATCH(request: Request):
    return {"text": await request.text(), "type": request.headers.get("content-type")}
""",
    "app/api/tags/route.py": """
from __future__ import annotations
import msgspec

class Tags(msgspec.Struct):
    x_tag: list[str] = []
    x_number: list[int] = []
    x_flag: bool = False

async def GET(headers: Tags) -> Tags:
    return headers
""",
    "app/api/words/route.py": "from waypost import Response\nasync def GET():\n    return Response('just text')\n",
    "app/api/bytes/route.py": (
        "from waypost import Response\n"
        "async def GET():\n"
        "    return Response(b'\\x00\\x01', headers={'Content-Type': 'application/octet-stream'})\n"
    ),
    "app/api/days/[day]/route.py": (
        "import datetime\nasync def GET(day: datetime.date):\n    return {'day': day.isoformat()}\n"
    ),
    "app/api/moments/[moment]/route.py": (
        "import datetime\nasync def GET(moment: datetime.datetime):\n    return {'year': moment.year}\n"
    ),
    **odd_names.FILES,
    "app/api/internal/route.py": "openapi = False\nasync def GET():\n    return {}\n",
}


@contextmanager
def served(folder: Path) -> Iterator[Running]:
    """The project in `folder`, written and served in production."""
    write(folder, FILES)
    with running("start", "--host", "localhost", "--port", "0", cwd=folder) as server:
        assert server.port
        yield server
