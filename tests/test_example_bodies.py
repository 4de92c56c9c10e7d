"""Every kind of JSON in every place of every body that the examples take: never a 500, and 400 for what can't be meant.

The examples run as their users run them. Each request seems to come from a client of its own, so that no limit of
requests answers in the place of the handler.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from dotenv import dotenv_values
from tests.cli.running import Running, running

EXAMPLES = Path(__file__).parents[1] / "examples"
PASSWORD = "correct horse battery staple"

# As text, since some can't be made by a library that writes JSON.
TEXTS = (
    "null", "true", "false", "0", "-1", "-0.0", "1.5", "1e400", "9223372036854775808", "1" + "0" * 400, '""', '" "',
    '"x"', '"10"', '"true"', '"null"', r'"\u0000"', r'"\ud800"', r'"\ud83d\ude00"', '"\u202e\u200b"',
    json.dumps("x" * 9000), "[]", "[null]", '["x"]', "[[[[1]]]]", "{}", '{"": 1}', '{"__proto__": {"a": 1}}',
    '{"__class__": "x"}', '{"a": {"b": {"c": []}}}',
)  # fmt: skip


class Row(NamedTuple):
    """A handler with a body that it takes.

    admitted: what makes the server let the request through to the handler. least: how many must be 400; few where a
    limit for each user answers the others.
    """

    verb: str
    path: str
    body: Any
    admitted: str = ""
    least: int = len(TEXTS) // 2


BLOG = (
    Row("POST", "/api/posts", {"title": "T", "content": "C"}),
    Row("PUT", "/api/posts/1", {"title": "T", "content": "C"}),
    Row("POST", "/api/revalidate", {"tag": "posts"}, "secret"),
)
SAAS = (
    Row("POST", "/api/register", {"email": "bob@example.com", "name": "Bob", "password": PASSWORD}),
    Row("POST", "/api/login", {"email": "bob@example.com", "password": PASSWORD}),
    Row("PATCH", "/api/profile", {"name": "Ada"}, "session"),
    Row("PUT", "/api/profile/password", {"current": "wrong password here", "new": PASSWORD}, "session", 3),
    Row("POST", "/api/generate", {"prompt": "P"}, "session", 3),
    Row("PATCH", "/api/admin/users/9", {"role": "user", "disabled": False}, "session"),
)
GUIDE = (
    Row("POST", "/api/posts", {"title": "T", "content": "C"}, "session"),
    Row("PUT", "/api/posts/1", {"title": "T", "content": "C"}, "session"),
    Row("POST", "/api/drafts", {"title": "T", "content": "C", "tags": ["a"]}, "session"),
    Row("POST", "/api/login", {"email": "ada@example.com", "password": "x"}),
    Row("POST", "/api/messages", {"text": "T"}),
    Row("POST", "/api/revalidate", {"tag": "posts", "path": "/api/config"}, "secret"),
    Row(
        "POST",
        "/api/chat",
        {"id": "c", "trigger": "submit-message", "messages": [
            {"id": "m", "role": "user", "parts": [{"type": "text", "text": "Hello"}]},
        ]},
        "session",
    ),
)  # fmt: skip
CHAT = (
    Row(
        "POST",
        "/api/chat",
        {"id": "c", "trigger": "submit-message", "messages": [
            {"id": "m", "role": "user", "parts": [{"type": "text", "text": "Hello"}]},
            {"id": "n", "role": "assistant", "parts": [
                {"type": "tool-time", "toolCallId": "t", "state": "output-available", "input": {}, "output": "noon"},
            ]},
            {"id": "o", "role": "user", "parts": [{"type": "text", "text": "Thanks"}]},
        ]},
    ),
)  # fmt: skip


def variants(body: Any) -> Iterator[tuple[str, str]]:
    """(place, JSON text): each value of TEXTS in every place of `body`, each place left out, and one too many."""

    def written(value: Any, place: tuple[Any, ...], text: str | None) -> str:
        if not place:
            assert text is not None
            return text
        if isinstance(value, dict):
            items = []
            for key, item in value.items():
                if key != place[0]:
                    items.append(f"{json.dumps(key)}: {json.dumps(item)}")
                elif len(place) > 1 or text is not None:
                    items.append(f"{json.dumps(key)}: {written(item, place[1:], text)}")
            return "{" + ", ".join(items) + "}"
        items = [
            written(item, place[1:], text) if at == place[0] and (len(place) > 1 or text is not None)
            else json.dumps(item)
            for at, item in enumerate(value) if at != place[0] or len(place) > 1 or text is not None
        ]  # fmt: skip
        return "[" + ", ".join(items) + "]"

    for place in places(body):
        name = ".".join(map(str, place)) or "the body"
        for text in TEXTS:
            yield name, written(body, place, text)
        if place:
            yield f"{name} left out", written(body, place, None)
    if isinstance(body, dict):
        yield "one too many", json.dumps({**body, "id": 7, "isAdmin": True, "createdAt": None})


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in parts:
        yield from places(item, (*above, key))


@contextmanager
def example(name: str, variables: Mapping[str, str]) -> Iterator[Running]:
    folder = EXAMPLES / name
    known = dotenv_values(folder / ".env.test") if (folder / ".env.test").is_file() else {}
    env = {**{key: value or "" for key, value in known.items()}, "WAYPOST_TRUSTED_PROXIES": "127.0.0.1", **variables}
    with running("start", "--port", "0", cwd=folder, env=env) as server:
        assert server.port
        yield server


class Client:
    """One connection; a new address for each request."""

    def __init__(self, server: Running) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.sent = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ask(
        self, verb: str, path: str, text: str, headers: Mapping[str, str]
    ) -> tuple[int, str, http.client.HTTPResponse]:
        self.sent += 1
        address = f"10.{self.sent >> 16 & 255}.{self.sent >> 8 & 255}.{self.sent & 255}"
        own = {"Content-Type": "application/json", "X-Forwarded-For": address, "X-Forwarded-Proto": "https"}
        self.connection.request(verb, path, text.encode("utf-8", "surrogatepass"), {**own, **headers})
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode(), answer


def session(client: Client, credentials: Mapping[str, str]) -> dict[str, str]:
    status, text, answer = client.ask("POST", "/api/login", json.dumps(credentials), {})
    assert status == 200, text
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}


def survives(server: Running, client: Client, rows: tuple[Row, ...], admitted: Mapping[str, dict[str, str]]) -> None:
    wrong = []
    for row in rows:
        refused = 0
        for place, text in variants(row.body):
            status, answer, _ = client.ask(row.verb, row.path, text, admitted[row.admitted])
            if status >= 500:
                wrong.append(f"{row.verb} {row.path}, {place}: {text[:80]} → {status} {answer[:200]}")
            elif status == 400:
                refused += 1
                assert isinstance(json.loads(answer)["error"], str)
        assert refused >= row.least, f"{row.path}: only {refused} were refused"
    assert wrong == [], server.output[-3000:]
    assert "Traceback" not in server.output, server.output[-3000:]


def test_blog(tmp_path: Path) -> None:
    secret = "nobody-knows-it"
    variables = {"DATABASE_URL": f"sqlite:///{tmp_path / 'blog.db'}", "REVALIDATION_SECRET": secret}
    with example("blog", variables) as server, Client(server) as client:
        survives(server, client, BLOG, {"": {}, "secret": {"Authorization": f"Bearer {secret}"}})


def test_saas(tmp_path: Path) -> None:
    data = {"DATA_DIR": str(tmp_path / "data")}
    with example("saas", data) as server, Client(server) as client:
        ada = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}
        status, text, _ = client.ask("POST", "/api/register", json.dumps(ada), {})
        assert status == 202, text
        subprocess.run(
            [sys.executable, "make_admin.py", ada["email"]],
            cwd=EXAMPLES / "saas", env={**os.environ, **data}, check=True, capture_output=True,
        )  # fmt: skip
        signed_in = session(client, {"email": ada["email"], "password": PASSWORD})
        survives(server, client, SAAS, {"": {}, "session": signed_in})


def test_guide(tmp_path: Path) -> None:
    known = dotenv_values(EXAMPLES / "guide" / ".env.test")
    with (
        example("guide", {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'guide.db'}"}) as server,
        Client(server) as client,
    ):
        signed_in = session(client, {"email": "ada@example.com", "password": known["DEMO_PASSWORD"] or ""})
        secret = {"Authorization": f"Bearer {known['REVALIDATION_SECRET']}"}
        survives(server, client, GUIDE, {"": {}, "session": signed_in, "secret": secret})


def test_chat(tmp_path: Path) -> None:
    variables = {"CHAT_DB": str(tmp_path / "chats.db"), "CHAT_PAUSE": "0", "WAYPOST_STREAMS_URL": "memory:"}
    with example("chat", variables) as server, Client(server) as client:
        survives(server, client, CHAT, {"": {}})


def test_every_place_is_tried() -> None:
    assert list(places({"a": [{"b": 1}], "c": 2})) == [(), ("a",), ("a", 0), ("a", 0, "b"), ("c",)]
    tried = list(variants({"a": [1, 2]}))
    assert ("the body", "null") in tried
    assert ("a.0", '{"a": ["", 2]}') in tried
    assert ("a.1 left out", '{"a": [1]}') in tried
    assert ("a left out", "{}") in tried
    assert len(tried) == 4 * len(TEXTS) + 3 + 1
