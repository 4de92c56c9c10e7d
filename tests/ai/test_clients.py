"""The AI SDK's clients, 6 and 7, against a chat route on our own server."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.ai import sdk
from tests.app.project import make_application
from tests.server.conftest import Live

from waypost.app.application import Application

ROUTE = """
from waypost import Request, Response
from waypost.ai import convert_to_model_messages, stream_text, tool, validate_ui_messages
from lib.model import ended, model
from lib.streams import streams

def add(a: int, b: int) -> dict:
    return {"sum": a + b}

def send(to: str, amount: float) -> str:
    return f"sent {amount:g} to {to}"

async def POST(request: Request) -> Response:
    body = await request.json()
    messages = validate_ui_messages(body["messages"])
    resume = {"resume": streams, "chat_id": body["id"]} if body["id"] != "chat-1" else {}
    tools = {"add": add, "send": tool(send, needs_approval=True),
             "where": tool(input_schema={"type": "object", "properties": {}})}
    result = stream_text(model=model(messages), messages=convert_to_model_messages(messages), tools=tools,
                         approval_secret="a secret of sixteen")
    return result.to_ui_message_stream_response(
        original_messages=messages, generate_message_id=lambda: "msg-1",
        message_metadata=lambda part: {"tokens": part.total_usage.total_tokens} if part.type == "finish" else None,
        **resume,
    )
"""

STREAM = """
from waypost import Response
from lib.streams import streams
async def GET(request, context): return await streams.response(context.params["id"])
async def DELETE(request, context):
    await streams.stop(context.params["id"])
    return Response(None, 204)
"""

ENDED = """
from lib.model import ended
async def GET(): return ended
"""

MODEL = """
import asyncio, time
from pydantic_ai.messages import ToolReturnPart
from pydantic_ai.models.function import DeltaToolCall, FunctionModel

ended = []
CALLS = {"add": '{"a": 1, "b": 2}', "send": '{"to": "Ada", "amount": 5.0}', "where": "{}"}

def model(messages):
    wish = next(part["text"] for message in reversed(messages) if message["role"] == "user"
                for part in message["parts"])
    async def respond(history, info):
        results = [part for part in getattr(history[-1], "parts", ()) if isinstance(part, ToolReturnPart)]
        if results:
            yield f"Result: {results[-1].model_response_str()}"
        elif wish in CALLS:
            yield {0: DeltaToolCall(name=wish, json_args=CALLS[wish], tool_call_id="call-1")}
        elif wish == "fail":
            yield "Half"
            raise RuntimeError("the key is hunter2")
        else:
            try:
                for number in range(1000 if wish == "endless" else 4):
                    yield f"word{number} "
                    await asyncio.sleep(0.05)
            finally:
                ended.append(time.monotonic())
    return FunctionModel(stream_function=respond)
"""


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    application: Application = make_application(
        tmp_path_factory.mktemp("chat"),
        {
            "app/api/chat/route.py": ROUTE,
            "app/api/chat/[id]/stream/route.py": STREAM,
            "app/api/ended/route.py": ENDED,
            "lib/model.py": MODEL,
            "lib/streams.py": "from waypost.ai import ResumableStreams\nstreams = ResumableStreams()\n",
        },
    )
    live = Live(application.handle, {"site": application.site}, True)
    yield f"http://127.0.0.1:{live.port}/api/chat"
    live.stop()


@pytest.fixture(params=sdk.VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def user(text: str) -> dict[str, Any]:
    return {"id": "m-1", "role": "user", "parts": [{"type": "text", "text": text}]}


def test_text_appears_word_by_word(chat: str, version: str) -> None:
    answer = sdk.read(version, url=chat, messages=[user("Hi")])
    assert answer["error"] is None
    assert answer["message"]["id"] == "msg-1"
    assert answer["message"]["metadata"]["tokens"] > 0
    words = [f"word{number} " for number in range(4)]
    steps = list(dict.fromkeys(text for text in answer["texts"] if text))
    assert steps == ["".join(words[: count + 1]) for count in range(4)]


def test_a_tool_call_and_what_follows(chat: str, version: str) -> None:
    message = sdk.read(version, url=chat, messages=[user("add")])["message"]
    assert [part["type"] for part in message["parts"]] == ["step-start", "tool-add", "step-start", "text"]
    assert message["parts"][1]["input"] == {"a": 1, "b": 2}
    assert (message["parts"][1]["state"], message["parts"][1]["output"]) == ("output-available", {"sum": 3})
    assert message["parts"][3]["text"] == 'Result: {"sum":3}'


def test_a_tool_of_the_page_gets_its_result_from_there(chat: str, version: str) -> None:
    message = sdk.read(version, url=chat, messages=[user("where")])["message"]
    assert message["parts"][-1]["state"] == "input-available"
    message["parts"][-1].update(state="output-available", output="Oslo")
    answer = sdk.read(version, url=chat, messages=[user("where"), message], message=message)
    assert answer["message"]["parts"][-1]["text"] == "Result: Oslo"


@pytest.mark.parametrize("approved", [True, False])
def test_an_approval_goes_to_the_page_and_back(chat: str, version: str, approved: bool) -> None:
    message = sdk.read(version, url=chat, messages=[user("send")])["message"]
    part = message["parts"][-1]
    assert part["state"] == "approval-requested"
    part.update(state="approval-responded", approval={**part["approval"], "approved": approved})
    answer = sdk.read(version, url=chat, messages=[user("send"), message], message=message)
    assert answer["error"] is None
    parts = {part["type"]: part for part in answer["message"]["parts"]}
    assert parts["tool-send"]["state"] == ("output-available" if approved else "output-denied")
    assert parts["text"]["text"].startswith("Result: sent 5 to Ada" if approved else "Result: ")


def test_a_failing_model_is_a_masked_error(chat: str, version: str) -> None:
    answer = sdk.read(version, url=chat, messages=[user("fail")])
    assert "An error occurred." in answer["error"]
    assert "hunter2" not in json.dumps(answer)
    assert answer["texts"][-1] == "Half"


def test_messages_that_are_none_are_an_error_of_the_request(chat: str, version: str) -> None:
    answer = sdk.read(version, url=chat, messages=[{"id": "x", "role": "robot", "parts": []}])
    assert "messages[0].role" in answer["error"]


def test_stop_in_the_page_stops_the_model_within_a_second(chat: str, version: str) -> None:
    def ended() -> list[float]:
        with urllib.request.urlopen(chat.replace("chat", "ended")) as response:
            times: list[float] = json.load(response)
            return times

    before = len(ended())
    answer = sdk.read(version, url=chat, messages=[user("endless")], stopAfter=6)
    stopped = time.monotonic()
    assert answer["milliseconds"] < 5000
    while len(ended()) == before:
        assert time.monotonic() - stopped < 1
        time.sleep(0.01)
    assert len(ended()) == before + 1


def test_a_reload_goes_on_with_the_answer(chat: str, version: str) -> None:
    id = f"resumed-{version}"
    assert sdk.read(version, url=chat, resume=id) | {"milliseconds": 0} == {
        "message": None, "texts": [], "error": None, "ended": False, "milliseconds": 0,
    }  # fmt: skip
    left = sdk.read(version, url=chat, chatId=id, messages=[user("endless")], stopAfter=6)
    stopper = threading.Timer(2, stop, [f"{chat}/{id}/stream"])
    stopper.start()
    answer = sdk.read(version, url=chat, resume=id)
    stopper.join()
    assert answer["error"] is None and answer["ended"]
    assert answer["message"]["id"] == left["message"]["id"]
    text = answer["message"]["parts"][-1]["text"]
    assert text.startswith(left["message"]["parts"][-1]["text"])
    assert len(text) > len(left["message"]["parts"][-1]["text"])


def stop(url: str) -> None:
    urllib.request.urlopen(urllib.request.Request(url, method="DELETE")).close()
