"""WEBSOCKET in a route file: what a handler is given, what stands before it, how it ends; without a network."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application

from waypost.app.application import Application
from waypost.errors import StartupError, WebSocketDisconnect
from waypost.testing import AsyncClient, Client, HandshakeRefused

Make = Callable[..., Application]

ECHO = """
async def WEBSOCKET(socket):
    async for message in socket:
        await socket.send(message)
"""


def route(body: str, before: str = "") -> dict[str, str]:
    """A project of one route whose WEBSOCKET has this body."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    head = "import asyncio\nfrom waypost import *\nfrom waypost import Response, cookies, headers, after, not_found\n"
    return {"app/route.py": f"{head}{before}\nseen = []\nasync def WEBSOCKET(socket):\n{lines}\n"}


def seen(application: Application) -> list[Any]:
    import sys

    result: list[Any] = sys.modules["app.route"].seen
    return result


def refusal(client: Client, target: str = "/", **options: Any) -> Any:
    with pytest.raises(HandshakeRefused) as refused, client.websocket(target, **options):
        pass
    return refused.value.response


# -- what a handler is given


def test_the_handshake_is_a_request(tmp_path: Path) -> None:
    code = """
async def WEBSOCKET(socket, context):
    await socket.send_json({
        "url": socket.url, "room": context.params["room"], "params": dict(socket.params), "ip": socket.ip,
        "q": socket.next_url.search_params.get("q"), "cookie": socket.cookies.get("c").value,
        "header": socket.headers.get("x-a"), "method": socket.request.method, "protocols": socket.protocols,
        "protocol": socket.protocol, "extensions": socket.extensions, "ready": socket.ready_state,
    })
"""
    with Client(make_application(tmp_path, {"app/rooms/[room]/route.py": code})) as client:
        client.cookies["c"] = "1"
        with client.websocket("/rooms/a%20b?q=2", headers={"X-A": "x"}, protocols=["v2", "v1"]) as socket:
            assert socket.receive_json() == {
                "url": "ws://testserver/rooms/a%20b?q=2", "room": "a b", "params": {"room": "a b"}, "ip": "127.0.0.1",
                "q": "2", "cookie": "1", "header": "x", "method": "GET", "protocols": ["v2", "v1"], "protocol": "",
                "extensions": "", "ready": 0,
            }  # fmt: skip
            with pytest.raises(WebSocketDisconnect) as end:
                socket.receive()
            assert (end.value.code, socket.close_code, socket.close_reason) == (1000, 1000, "")


def test_a_subprotocol_is_agreed_on(tmp_path: Path) -> None:
    application = make_application(
        tmp_path, route("await socket.accept(socket.protocols[-1])\nawait socket.send(socket.protocol)")
    )
    with Client(application) as client, client.websocket("/", protocols=["a", "b"]) as socket:
        assert (socket.protocol, socket.receive()) == ("b", "b")


def test_a_subprotocol_that_is_not_offered_is_the_handlers_mistake(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, route("await socket.accept('x')"))) as client:
        assert refusal(client).status == 500


def test_the_ambient_functions_work_during_the_conversation(tmp_path: Path) -> None:
    body = """
cookies().set("id", "7")
after(lambda: seen.append("after"))
await socket.accept(headers={"X-Own": "1"})
async for message in socket:
    await socket.send(headers().get("x-a") + message)
seen.append("over")
try:
    cookies().set("late", "1")
except Exception as error:
    seen.append(str(error))
"""
    application = make_application(tmp_path, route(body))
    with Client(application) as client:
        with client.websocket("/", headers={"X-A": "a"}) as socket:
            assert socket.headers.get("x-own") == "1"
            assert socket.headers.get_set_cookie() == ["id=7; Path=/"]
            socket.send("b")
            assert socket.receive() == "ab"
            assert seen(application) == []
        assert client.cookies == {"id": "7"}
    assert sorted(seen(application)) == ["after", "over", "the response has begun: set cookies before returning it"]


# -- messages


def test_texts_and_binary_messages(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, {"app/route.py": ECHO})) as client, client.websocket("/") as socket:
        for message in ("text", b"bytes", "", b""):
            socket.send(message)
            assert socket.receive() == message
        socket.send_json({"a": [1]})
        assert socket.receive_json() == {"a": [1]}


@pytest.mark.parametrize(
    ("call", "sent", "code", "reason"),
    [
        ("receive_text", b"x", 1003, "Text was expected, not a binary message"),
        ("receive_bytes", "x", 1003, "A binary message was expected, not text"),
        ("receive_json", "{", 1007, "The message is not valid JSON"),
        ("receive_json", b"\xff", 1007, "The message is not valid JSON"),
    ],
    ids=["text", "bytes", "json", "json-bytes"],
)
def test_a_message_of_another_kind_closes(
    tmp_path: Path, call: str, sent: str | bytes, code: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(make_application(tmp_path, route(f"await socket.{call}()"))) as client:
        with client.websocket("/") as socket:
            socket.send(sent)
            with pytest.raises(WebSocketDisconnect) as end:
                socket.receive()
        assert end.value.code == code
        assert end.value.reason.startswith(reason)
    assert not caplog.records


def test_what_can_not_be_sent(tmp_path: Path) -> None:
    body = """
for bad in (1, None, {"a": 1}, ["x"]):
    try:
        await socket.send(bad)
    except TypeError as error:
        await socket.send(str(error))
for code, reason in ((1005, ""), (1006, ""), (999, ""), (5000, ""), (1000, "x" * 124)):
    try:
        await socket.close(code, reason)
    except ValueError:
        await socket.send("refused")
await socket.send(bytearray(b"a"))
await socket.send(memoryview(b"b"))
"""
    with Client(make_application(tmp_path, route(body))) as client, client.websocket("/") as socket:
        told = list(socket)
    assert [text for text in told if "a message is str or bytes" in str(text)] == told[:4]
    assert told[4:] == ["refused"] * 5 + [b"a", b"b"]


def test_two_tasks_can_not_receive_and_many_may_send(tmp_path: Path) -> None:
    body = """
first = asyncio.create_task(socket.receive())
await asyncio.sleep(0.01)
try:
    await socket.receive()
except RuntimeError as error:
    await asyncio.gather(*(socket.send(f"{n} {error}") for n in range(20)))
await socket.send(await first)
try:
    await socket.accept()
except RuntimeError as error:
    await socket.send(str(error))
"""
    with Client(make_application(tmp_path, route(body))) as client, client.websocket("/") as socket:
        texts = [socket.receive_text() for _ in range(20)]
        assert sorted({text.partition(" ")[2] for text in texts}) == ["another task is receiving from this socket"]
        socket.send("x")
        assert list(socket) == ["x", "the conversation was accepted already"]


# -- refusing


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ("return Response.json({'error': 'no'}, 401)", 401, {"error": "no"}),
        ("raise Response.json({'error': 'no'}, 418)", 418, {"error": "no"}),
        ("return {'plain': 1}", 200, {"plain": 1}),
        ("not_found()", 404, {"error": "Not found"}),
        ("raise HTTPError('Busy', status=503)", 503, {"error": "Busy"}),
        ("await socket.close(4000, 'Full')", 403, {"error": "Full"}),
        ("await socket.close()", 403, {"error": "Forbidden"}),
    ],
    ids=["return", "raise", "data", "interrupt", "http-error", "close", "close-plain"],
)
def test_a_handler_refuses_before_it_accepts(tmp_path: Path, body: str, status: int, told: Any) -> None:
    with Client(make_application(tmp_path, route(body))) as client:
        response = refusal(client)
        assert (response.status, response.json()) == (status, told)


def test_a_redirect_is_sent_as_it_is(tmp_path: Path) -> None:
    application = make_application(tmp_path, route("from waypost import redirect\nredirect('/elsewhere')"))
    with Client(application) as client:
        response = refusal(client)
        assert (response.status, response.headers.get("location")) == (307, "/elsewhere")


def test_a_handler_that_never_accepts_is_a_bug(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Client(make_application(tmp_path, route("pass"))) as client:
        assert refusal(client).status == 500
    assert "returned before it accepted" in caplog.text


# -- failing


def test_a_bug_closes_with_1011_and_an_id_that_is_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = route("await socket.accept()\nraise ValueError('secret')") | {
        "instrumentation.py": """
told = []
def on_request_error(error, request, context):
    told.append((str(error), context["route_path"], context["error_id"]))
"""
    }
    with Client(make_application(tmp_path, files)) as client, client.websocket("/") as socket:
        with pytest.raises(WebSocketDisconnect) as end:
            socket.receive()
        assert end.value.code == 1011
        error_id = end.value.reason.removeprefix("Internal server error, id ")
        assert error_id in caplog.text
        assert "secret" in caplog.text
        assert "secret" not in end.value.reason
    import sys

    assert sys.modules["instrumentation"].told == [("secret", "/", error_id)]


@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [
        ("raise HTTPError('Slow down', status=429)", 1008, "Slow down"),
        ("raise HTTPError('Full', status=503)", 1013, "Full"),
        ("not_found()", 1008, "Not found"),
        ("raise Response('x', 403)", 1008, ""),
        ("raise BodyTooLarge('Too much')", 1009, "Too much"),
        ("raise HTTPError('é' * 100)", 1008, "é" * 61),
        ("await socket.close(4001, 'own')", 4001, "own"),
    ],
    ids=["refused", "busy", "interrupt", "response", "large", "long", "close"],
)
def test_what_ends_a_conversation(
    tmp_path: Path, body: str, code: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    application = make_application(tmp_path, route(f"await socket.accept()\n{body}"))
    with Client(application) as client, client.websocket("/") as socket:
        assert list(socket) == []
        assert (socket.close_code, socket.close_reason) == (code, reason)
    assert not caplog.records


def test_a_response_after_accept_is_a_bug(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    application = make_application(tmp_path, route("await socket.accept()\nreturn Response('late')"))
    with Client(application) as client, client.websocket("/") as socket:
        assert list(socket) == []
        assert socket.close_code == 1011
    assert "after it accepted" in caplog.text


def test_leaving_ends_iteration_and_raises_elsewhere(tmp_path: Path) -> None:
    body = """
async for message in socket:
    seen.append(message)
seen.append((socket.close_code, socket.close_reason, socket.signal.aborted, socket.ready_state))
for call in (socket.receive(), socket.send("x")):
    try:
        await call
    except WebSocketDisconnect as error:
        seen.append((error.code, error.reason))
await socket.close()
"""
    application = make_application(tmp_path, route(body))
    with Client(application) as client, client.websocket("/") as socket:
        socket.send("one")
        socket.close(4005, "enough")
    assert seen(application) == ["one", (4005, "enough", True, 3), (4005, "enough"), (4005, "enough")]


def test_a_handler_that_lets_the_disconnect_pass_is_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    application = make_application(tmp_path, route("while True:\n    await socket.receive()"))
    with Client(application) as client, client.websocket("/"):
        pass
    assert not caplog.records


def test_tasks_that_find_out_together_are_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    body = """
async def talk():
    while True:
        await socket.send("tick")
        await asyncio.sleep(0.01)
async def listen():
    while True:
        await socket.receive()
try:
    await asyncio.gather(talk(), listen(), return_exceptions=True)
    raise BaseExceptionGroup("both", [WebSocketDisconnect(), WebSocketDisconnect()])
finally:
    seen.append("over")
"""
    application = make_application(tmp_path, route(body))
    with Client(application) as client, client.websocket("/") as socket:
        assert socket.receive() == "tick"
    assert seen(application) == ["over"]
    assert not caplog.records


def test_the_leaving_of_another_client_is_a_bug(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    body = """
others = [other for other in seen]
seen.append(socket)
async for message in socket:
    for other in others:
        await other.send(message)
"""
    with Client(make_application(tmp_path, route(body))) as client:
        with client.websocket("/") as first:
            first.close()
        with client.websocket("/") as second:
            second.send("x")
            assert list(second) == []
            assert second.close_code == 1011
    assert "WebSocketDisconnect" in caplog.text


def test_a_message_over_the_limit_and_a_full_queue(tmp_path: Path) -> None:
    body = "await socket.accept()\nawait asyncio.sleep(0.05)\nasync for m in socket: seen.append(m)"
    application = make_application(tmp_path, route(body), websocket_max_size=10, websocket_max_queue=2)

    async def main() -> None:
        async with AsyncClient(application) as client, client.websocket("/") as socket:
            for number in range(6):
                await socket.send(f"{number}")
            await socket.send("é" * 6)
            assert socket.close_code == 1009

    asyncio.run(main())
    assert seen(application) == [str(number) for number in range(6)]


# -- what stands before it


def test_middleware_sees_the_handshake_and_its_answer(tmp_path: Path) -> None:
    files = {
        "middleware.py": """
from waypost import Response
config = {"matcher": "/in/:path*"}
async def middleware(request, next):
    if request.headers.get("x-stop"):
        return Response.json({"error": "stopped"}, 401)
    response = await next(request)
    response.headers.set("x-root", str(response.status))
    return response
""",
        "app/in/middleware.py": """
from waypost import Response
async def middleware(request):
    return Response.next(headers={"x-folder": request.method})
""",
        "app/in/[id]/route.py": ECHO,
        "app/out/route.py": ECHO,
    }
    with Client(make_application(tmp_path, files)) as client:
        with client.websocket("/in/1") as socket:
            assert (socket.headers.get("x-root"), socket.headers.get("x-folder")) == ("101", "GET")
        response = refusal(client, "/in/1", headers={"X-Stop": "1"})
        assert (response.status, response.json()) == (401, {"error": "stopped"})
        with client.websocket("/out", headers={"X-Stop": "1"}) as socket:
            assert socket.headers.get("x-root") is None


def test_middleware_that_answers_otherwise_ends_the_handler(tmp_path: Path) -> None:
    files = route("""
try:
    await socket.accept()
except (WebSocketDisconnect, asyncio.CancelledError) as error:
    seen.append(type(error).__name__)
    raise
""") | {
        "middleware.py": """
from waypost import Response
async def middleware(request, next):
    await next(request)
    return Response("changed my mind", 403)
"""
    }
    application = make_application(tmp_path, files)
    with Client(application) as client:
        assert refusal(client).status == 403
    assert len(seen(application)) == 1


def test_the_list_of_the_route_and_a_rewrite(tmp_path: Path) -> None:
    before = "async def guard(request):\n    seen.append(request.path)\nmiddleware = [guard]\n"
    files = {
        **{name.replace("app/", "app/real/"): text for name, text in route("await socket.send('hi')", before).items()},
        "middleware.py": """
from waypost import Response
def middleware(request):
    if request.path == "/alias":
        return Response.rewrite("/real")
""",
    }
    with Client(make_application(tmp_path, files)) as client, client.websocket("/alias") as socket:
        assert socket.receive() == "hi"


def test_wrappers_of_handlers(tmp_path: Path) -> None:
    code = """
import functools
from waypost import Response
from waypost.app.wrapping import wrap

def guarded(handler):
    async def around(request, context, inner):
        if request.headers.get("x-user") is None:
            return Response.json({"error": "Unauthorized"}, 401)
        return await inner(request, context.extend(user=request.headers.get("x-user")))
    return wrap(handler, around)

def counted(handler):
    @functools.wraps(handler)
    async def wrapper(request, context):
        return await handler(request, context.extend(count=1))
    return wrapper

@counted
@guarded
async def WEBSOCKET(ws, user, context):
    await ws.send_json([user, context.params, context.count])
"""
    with Client(make_application(tmp_path, {"app/[id]/route.py": code})) as client:
        assert refusal(client, "/1").status == 401
        with client.websocket("/1", headers={"X-User": "ada"}) as socket:
            assert socket.receive_json() == ["ada", {"id": "1"}, 1]
            assert list(socket) == []
            assert socket.close_code == 1000


def test_the_wrappers_of_waypost(tmp_path: Path) -> None:
    code = """
from waypost.cors import cors
from waypost.ratelimit import RateLimiter

limited = RateLimiter(limit=2, window="1m")

@cors(origins="https://app.example")
@limited
async def WEBSOCKET(socket):
    await socket.send("hi")

websocket_origins = "https://app.example"
"""
    with Client(make_application(tmp_path, {"app/route.py": code})) as client:
        for _ in range(2):
            with client.websocket("/", headers={"Origin": "https://app.example"}) as socket:
                assert list(socket) == ["hi"]
        assert refusal(client).status == 429


def test_a_wrapper_for_sockets(tmp_path: Path) -> None:
    code = """
import functools

def greeted(handler):
    @functools.wraps(handler)
    async def wrapper(socket, context):
        await socket.send("hello")
        await handler(socket)
    return wrapper

@greeted
async def WEBSOCKET(socket):
    await socket.send("there")
"""
    with Client(make_application(tmp_path, {"app/route.py": code})) as client, client.websocket("/") as socket:
        assert list(socket) == ["hello", "there"]


# -- origins


@pytest.mark.parametrize(
    ("origin", "own", "allowed"),
    [
        ("http://testserver", "", True),
        ("http://TESTSERVER:80", "", True),
        ("https://testserver", "", True),
        ("http://other", "", False),
        ("http://testserver:81", "", False),
        ("null", "", False),
        ("", "", False),
        ("https://app.example", "", True),
        ("https://a.tenant.example", "", True),
        ("https://tenant.example", "", False),
        ("https://app.example.evil", "", False),
        ("https://route.example", "['https://route.example']", True),
        ("https://app.example", "'https://route.example'", False),
        ("https://any.example", "['*']", True),
        ("null", "['*']", False),
    ],
)
def test_origins(tmp_path: Path, origin: str, own: str, allowed: bool) -> None:
    code = ECHO + (f"websocket_origins = {own}\n" if own else "")
    application = make_application(
        tmp_path, {"app/route.py": code}, websocket_origins=("https://app.example", "https://*.tenant.example")
    )
    with Client(application) as client:
        if allowed:
            with client.websocket("/", headers={"Origin": origin}):
                pass
        else:
            assert refusal(client, headers={"Origin": origin}).json() == {"error": "Origin not allowed"}


def test_development_says_how_to_allow_an_origin(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with Client(make_application(tmp_path, {"app/route.py": ECHO}, dev=True)) as client:
        refusal(client, headers={"Origin": "http://localhost:5173"})
    assert "add its origin 'http://localhost:5173' to websocket_origins" in caplog.text


# -- start-up


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def WEBSOCKET(socket): pass", "WEBSOCKET is not async"),
        ("async def WEBSOCKET(): pass", "WEBSOCKET takes no socket"),
        ("async def WEBSOCKET(context): pass", "WEBSOCKET takes no socket"),
        ("async def WEBSOCKET(request): pass", "WEBSOCKET takes a socket, not a request"),
        ("async def WEBSOCKET(socket, context, room): pass", "nothing provides its argument 'room'"),
        ("async def WEBSOCKET(socket):\n    yield 1", "WEBSOCKET is a generator"),
        ("WEBSOCKET = 1", "WEBSOCKET is an int, not a function"),
        ("async def websocket(socket): pass", "websocket answers nothing, the verb is WEBSOCKET"),
        ("async def UPGRADE(socket): pass", "UPGRADE answers nothing"),
        (f"{ECHO}\nwebsocket_origins = ['app.example']", "websocket_origins can't"),
        (f"{ECHO}\nwebsocket_origins = 5", "websocket_origins must be a list"),
    ],
    ids=["plain", "empty", "context", "request", "third", "generator", "value", "lower", "upgrade", "origin", "number"],
)
def test_mistakes_are_found_at_start(tmp_path: Path, code: str, message: str) -> None:
    with pytest.raises(StartupError) as error:
        make_application(tmp_path, {"app/route.py": code})
    assert message.replace("can't", "holds") in str(error.value)
    assert "route.py" in str(error.value)


@pytest.mark.parametrize(
    "signature", ["socket", "ws", "socket, context", "socket, ctx", "context, socket", "socket, context=None", "*args"]
)
def test_signatures(tmp_path: Path, signature: str) -> None:
    name = "args[0]" if signature == "*args" else signature.replace("context, ", "").partition(",")[0]
    code = f"async def WEBSOCKET({signature}):\n    await {name}.send('ok')\n"
    with Client(make_application(tmp_path, {"app/route.py": code})) as client, client.websocket("/") as socket:
        assert socket.receive() == "ok"


def test_the_route_beside_get(tmp_path: Path) -> None:
    code = ECHO + "async def GET(): return {'get': 1}\n"
    files = {"app/both/route.py": code, "app/only/route.py": ECHO, "app/none/route.py": "async def GET(): return {}\n"}
    application = make_application(tmp_path, files)
    assert {entry.pattern: entry.methods for entry in application.routes} == {
        "/both": ["GET", "HEAD", "OPTIONS", "WEBSOCKET"],
        "/only": ["OPTIONS", "WEBSOCKET"],
        "/none": ["GET", "HEAD", "OPTIONS"],
    }
    assert application.has_sockets
    with Client(application) as client:
        assert client.get("/both").json() == {"get": 1}
        assert client.get("/only").status == 426
        assert client.post("/only").headers.get("allow") == "GET, HEAD, OPTIONS"
        with client.websocket("/both") as socket:
            socket.send("x")
            assert socket.receive() == "x"
        assert refusal(client, "/none").json() == {}


def test_a_static_get_beside_it(tmp_path: Path) -> None:
    code = ECHO + "import time\nrevalidate = 60\nasync def GET(): return {'t': time.time_ns()}\n"
    with Client(make_application(tmp_path, {"app/route.py": code}, cache_url="memory:")) as client:
        first = client.get("/").json()
        assert client.get("/").json() == first
        with client.websocket("/") as socket:
            socket.send("x")
            assert socket.receive() == "x"
