"""examples/chat in a real browser: the page with the real useChat, under `waypost start` with two workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser import chromium
from tests.docs.test_docs import free_port

EXAMPLE = Path(__file__).parents[2] / "examples" / "chat"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("chat")
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WAYPOST_", "PYTEST_", "CHAT_"))}
    own = {
        "CHAT_DB": str(folder / "chat.db"),
        "WAYPOST_STREAMS_URL": f"sqlite:{folder}/streams.db",
        "CHAT_PAUSE": "0.03",
    }
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "waypost.cli", "start", "--workers", "2", "--port", str(port)],
            cwd=EXAMPLE,
            env={**kept, **own, "HOST": "127.0.0.1"},
            stdout=log,
            stderr=log,
        )
        url = f"http://127.0.0.1:{port}/chat"
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(url).close()
                break
            except urllib.error.URLError:
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)
        yield url
        server.terminate()
        assert server.wait(20) == 0, (folder / "log").read_text()


def use(address: str, task: str, *arguments: str) -> dict[str, Any]:
    """What chat_example.mjs saw."""
    try:
        browser, node = chromium.find_browser(), chromium.find_node()
        chromium.install_driver()
    except chromium.MissingBrowser as missing:
        pytest.skip(str(missing))
    done = subprocess.run(
        [node, "chat_example.mjs", browser, address, task, *arguments],
        cwd=Path(chromium.__file__).parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    assert seen["complaints"] == []
    return seen


def text_of(message: dict[str, Any]) -> str:
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


def test_text_appears_word_by_word(address: str) -> None:
    seen = use(address, "words")
    assert seen["question"] == "What can you do?"
    assert len(seen["states"]) > 15
    assert all(seen["final"].startswith(state) for state in seen["states"])
    assert seen["final"].startswith("I am a model of forty lines of Python")
    assert [message["role"] for message in seen["stored"]] == ["user", "assistant"]
    assert text_of(seen["stored"][1]) == seen["final"]


def test_a_tool_call_has_its_card(address: str) -> None:
    seen = use(address, "tool")
    assert "asking for oslo" in seen["waiting"].lower()
    city, sky, degrees = [line for line in seen["done"].splitlines() if (line and line[0].isalnum()) or "°" in line][:3]
    assert city == "Oslo"
    assert seen["text"] == f"It is {sky.lower()} in Oslo, with {degrees.rstrip('°')} degrees."


def test_stop_stops_the_model_within_a_second(address: str) -> None:
    for _ in range(3):  # a machine that is busy may be late once
        seen = use(address, "stop")
        if seen["milliseconds"] < 1000:
            break
    print(f"stopped after {seen['milliseconds']:.0f} ms")
    assert seen["milliseconds"] < 1000
    assert seen["later"] == seen["text"]
    assert seen["text"].startswith("A signpost stood")
    stored = text_of(seen["stored"][1])
    assert stored.startswith(seen["text"]) or seen["text"].startswith(stored)
    assert len(stored) < 1500


def test_a_reload_goes_on_with_the_answer(address: str) -> None:
    seen = use(address, "reload")
    assert seen["after"].startswith(seen["before"])
    assert seen["later"].startswith(seen["after"])
    assert seen["answers"] == 1
    assert text_of(seen["stored"][1]).startswith(seen["later"])
    assert seen["reloaded"].startswith(seen["later"])


def test_a_failing_model_shows_the_masked_error(address: str) -> None:
    seen = use(address, "fail")
    assert seen["first"] == seen["again"] == "The model could not answer. Please try again."
    assert "sk-secret" not in seen["page"]


def test_regenerate_takes_the_place_of_the_answer(address: str) -> None:
    seen = use(address, "regenerate")
    assert seen["first"]["id"] != seen["second"]["id"]
    assert seen["first"]["text"] == seen["second"]["text"]
    assert [message["role"] for message in seen["stored"]] == ["user", "assistant", "user", "assistant"]
    assert seen["stored"][1]["id"] == seen["second"]["id"]
