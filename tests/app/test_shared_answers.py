"""No client ever gets what was made for another, whatever a handler's headers say: 50 users, interleaved."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from tests.app.project import make_application

from waypost.testing import AsyncClient

USERS = 50
ROUNDS = 40

# What each route puts on an answer that is for one client: every way in which a cache was once led to share it.
VARIANTS = {
    "set-cookie": {"set-cookie": "sid=1"},
    "private": {"cache-control": "private"},
    "private-case": {"cache-control": "PRIVATE, max-age=60"},
    "private-field": {"cache-control": 'private="x"'},
    "no-store": {"cache-control": "max-age=60,no-store"},
    "no-cache": {"cache-control": "no-cache"},
    "vary-all": {"vary": "*"},
    "vary-cookie": {"vary": "Cookie"},
    "vary-padded": {"vary": "Accept,   cookie "},
    "vary-auth": {"vary": "AUTHORIZATION"},
}

MIDDLEWARE = """
from lib.user import USER
async def middleware(request):
    # What must not reach a fill: the user, where any code below can read it.
    USER.set(request.headers.get('x-user') or 'nobody')
"""
SHARED = "from contextvars import ContextVar\nUSER = ContextVar('user', default='nobody')\n"
MARKED = """
import asyncio, itertools
from waypost import Response
RUNS = itertools.count(1)
revalidate = 60
async def GET():
    number = next(RUNS)
    await asyncio.sleep(0)
    return Response(f'run {number}', headers={**HEADERS, 'x-run': str(number)})
"""
VARIABLE = """
from waypost import Response
from lib.user import USER
dynamic = 'force-static'
async def GET():
    return Response(USER.get())
"""
HIDDEN = """
from waypost import Response, cookies, headers
dynamic = 'force-static'
async def GET(request):
    seen = [request.headers.get('x-user'), headers().get('authorization'), str(request.cookies), str(cookies()),
            request.ip, request.next_url.search, request.url]
    return Response.json(seen)
"""
STRICT = """
from waypost import Response
revalidate = 60
async def GET(request):
    return Response(request.headers.get('x-user') or '')
"""
CACHED = """
from waypost import Response, Request, cookies
from waypost.cache import cached
@cached
async def profile(user):
    return f'profile of {user}'
def closing(user):
    @cached
    async def inner():
        return f'closed over {user}'
    return inner
async def GET(request):
    user = request.headers.get('x-user')
    return Response(f'{await profile(user)}, {await closing(user)()}')
"""


def test_50_users_and_every_header_variant(tmp_path: Path) -> None:
    files = {
        "middleware.py": MIDDLEWARE,
        "lib/__init__.py": "",
        "lib/user.py": SHARED,
        "app/variable/route.py": VARIABLE,
        "app/hidden/route.py": HIDDEN,
        "app/strict/route.py": STRICT,
        "app/cached/route.py": CACHED,
        **{f"app/{name}/route.py": f"HEADERS = {headers!r}\n{MARKED}" for name, headers in VARIANTS.items()},
    }

    async def main() -> None:
        application = make_application(tmp_path, files, cache_url="memory:")
        chance = random.Random(7)
        async with AsyncClient(application) as client:
            runs: set[tuple[str, str]] = set()

            async def user(number: int) -> None:
                name = f"user-{number}-"
                for _ in range(ROUNDS):
                    path = chance.choice([*VARIANTS, "variable", "hidden", "strict", "cached"])
                    sent = {"x-user": name, "authorization": name, "cookie": f"sid={name}", "accept": name}
                    method = chance.choice(["GET", "GET", "HEAD"])
                    response = await client.request(method, f"/{path}?user={name}", headers=sent)
                    told = response.text + str(response.headers.entries())
                    others = [word for word in told.replace("'", " ").split() if "user-" in word and name not in word]
                    assert not others, (path, name, told)
                    if path in VARIANTS:
                        run = (path, response.headers.get("x-run") or "")
                        assert run not in runs, f"{name} got an answer that was made for another: {run}"
                        runs.add(run)
                    elif path in ("variable", "hidden"):
                        assert "user-" not in told
                    elif path == "strict":
                        assert response.status == 500
                    else:
                        wanted = f"profile of {name}, closed over {name}" if method == "GET" else ""
                        assert response.text == wanted
                    await asyncio.sleep(0)

            await asyncio.gather(*map(user, range(USERS)))
            assert len(runs) > USERS  # every kind of answer was asked for

    asyncio.run(main())
