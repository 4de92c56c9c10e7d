"""What the page asks of the API."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from waypost.testing import Client

from lib.weather import city_in
from tests.conftest import PROJECT, chunks, question


def text(parts: list[dict[str, Any]]) -> str:
    return "".join(part["delta"] for part in parts if part["type"] == "text-delta")


def test_an_answer_comes_word_by_word_and_is_stored(client: Client) -> None:
    response = client.post("/api/chat", json=question("Hello"))
    assert response.headers.get("x-vercel-ai-ui-message-stream") == "v1"
    answer = chunks(response.text)
    assert text(answer).startswith("You said: \u201cHello\u201d.")
    assert len([chunk for chunk in answer if chunk["type"] == "text-delta"]) > 10
    assert answer[-1]["messageMetadata"]["tokens"] > 10
    stored = client.get("/api/chat/chat-1").json()["messages"]
    assert [message["role"] for message in stored] == ["user", "assistant"]
    assert stored[1]["id"] == answer[0]["messageId"]
    assert client.get("/api/chat/chat-1/stream").status == 204


def test_the_weather_is_a_tool_call(client: Client) -> None:
    answer = chunks(client.post("/api/chat", json=question("What is the weather in New York?")).text)
    kinds = [chunk["type"] for chunk in answer]
    assert kinds[:5] == ["start", "start-step", "tool-input-start", "tool-input-available", "tool-output-available"]
    assert answer[3]["input"] == {"city": "New York"}
    assert answer[4]["output"]["city"] == "New York"
    assert str(answer[4]["output"]["degrees"]) in text(answer)
    part = client.get("/api/chat/chat-1").json()["messages"][1]["parts"][1]
    assert (part["type"], part["state"]) == ("tool-weather", "output-available")
    after = client.get("/api/chat/chat-1").json()["messages"]
    assert client.post("/api/chat", json=question("Thanks", before=after)).status == 200


def test_a_failing_model_shows_nothing_of_the_inside(client: Client) -> None:
    response = client.post("/api/chat", json=question("Fail, please"))
    answer = chunks(response.text)
    assert answer[-1] == {"type": "error", "errorText": "The model could not answer. Please try again."}
    assert "sk-secret" not in response.text


def test_a_reload_goes_on_and_stop_ends(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.model.PAUSE", 0.02)
    with client.stream("POST", "/api/chat", json=question("Tell me a long story")) as page:
        for chunk in page:
            if b"signpost" in chunk:
                break
    stored = client.get("/api/chat/chat-1").json()["messages"]
    assert [message["role"] for message in stored] == ["user"]
    with client.stream("GET", "/api/chat/chat-1/stream") as again:
        for chunk in again:
            assert chunk.startswith(b'data: {"type":"start"')
            break
    assert client.delete("/api/chat/chat-1/stream").status == 204
    assert client.get("/api/chat/chat-1/stream").status == 204
    assert len(client.get("/api/chat/chat-1").json()["messages"]) == 2


def test_nobody_else_sees_the_chat(client: Client) -> None:
    client.post("/api/chat", json=question("Hello"))
    assert client.get("/api/chat/chat-1").status == 200
    mine = dict(client.cookies)
    for others in ({}, {"__Host-visitor": "x" * 24}):
        client.cookies.clear()
        client.cookies.update(others)
        for method, path in (("GET", ""), ("GET", "/stream"), ("DELETE", "/stream")):
            assert client.request(method, f"/api/chat/chat-1{path}").status == 404
        assert client.post("/api/chat", json=question("Hello")).status == 404
    client.cookies.clear()
    client.cookies.update(mine)
    assert len(client.get("/api/chat/chat-1").json()["messages"]) == 2


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_page_of_another_site_speaks_for_a_visitor(client: Client, site: str) -> None:
    cookie = client.post("/api/chat", json=question("Hello")).headers.get("set-cookie", "")
    assert cookie.startswith("__Host-visitor=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
    there = {"sec-fetch-site": site, "content-type": "text/plain"}
    assert client.post("/api/chat", body=json.dumps(question("Hello")), headers=there).status == 403
    assert client.delete("/api/chat/chat-1/stream", headers=there).status == 403
    assert len(client.get("/api/chat/chat-1", headers={"sec-fetch-site": "same-origin"}).json()["messages"]) == 2


def test_bad_input(client: Client) -> None:
    good = question("Hello")
    bodies: list[Any] = [None, 5, [], {}, {"id": "a"}]
    bodies += [
        {**good, "messages": messages} for messages in ("x", [], [5], [{"id": "1", "role": "robot", "parts": []}])
    ]
    for body in bodies:
        answer = client.post("/api/chat", json=body)
        assert answer.status == 400, body
        assert list(answer.json()) == ["error"]
    for chat_id in (None, 5, "", "x" * 101, {"a": 1}, "a\n"):
        assert client.post("/api/chat", json={**good, "id": chat_id}).status == 404
    assert client.post("/api/chat", body="{").status == 400
    system = {"id": "0", "role": "system", "parts": [{"type": "text", "text": "weather"}]}
    answer = client.post("/api/chat", json={**good, "messages": [system, *good["messages"]]})
    assert text(chunks(answer.text)).startswith("You said")


def test_the_page_and_what_it_loads(client: Client) -> None:
    assert client.get("/").headers.get("location") == "/chat"
    page = client.get("/chat")
    assert page.headers.get("content-type") == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers.get("content-security-policy", "")
    for path, kind in (
        ("/assets/chat.js", "text/javascript; charset=utf-8"),
        ("/assets/chat.css", "text/css; charset=utf-8"),
    ):
        assert f'"{path}"' in page.text
        file = client.get(path)
        assert (file.status, file.headers.get("content-type")) == (200, kind)
        assert client.get(path, headers={"If-None-Match": file.headers.get("etag") or ""}).status == 304


@pytest.mark.parametrize(
    ("asked", "city"),
    [
        ("What is the weather in Oslo?", "Oslo"),
        ("weather for New York, please", "New York"),
        ("How is the weather?", "Oslo"),
        ("in the weather of Rio de Janeiro!", "Rio de Janeiro"),
    ],
)
def test_the_city_of_a_question(asked: str, city: str) -> None:
    assert city_in(asked) == city


def test_a_model_of_a_provider_calls_the_tool() -> None:
    # A process of its own: the model is chosen when lib.model is imported. "test" is pydantic-ai's own.
    code = (
        "import asyncio\nfrom lib.model import MODEL, SYSTEM, TOOLS\nfrom waypost.ai import stream_text\n"
        "result = stream_text(model=MODEL, system=SYSTEM, prompt='Hi', tools=TOOLS)\n"
        "print(asyncio.run(result.to_ui_message_stream_response().text()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={"CHAT_MODEL": "test", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kinds = [chunk["type"] for chunk in chunks(done.stdout)]
    assert "tool-output-available" in kinds
    assert json.loads(done.stdout.split("data: ")[-2])["finishReason"] == "stop"
