"""The frames that were recorded once: we still send them, and the AI SDK's own clients, 6 and 7, still read them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.ai import frames, sdk

from waypost.ai.message_builder import MessageBuilder


def golden(name: str) -> str:
    return (frames.GOLDEN / f"{name}.sse").read_text("utf-8")


def chunks(name: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in golden(name).split("\n") if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def built(name: str) -> dict[str, Any]:
    builder = MessageBuilder()
    for chunk in chunks(name):
        builder.add(chunk)
    return dict(builder.message)


def test_what_we_send_is_what_was_recorded() -> None:
    made = asyncio.run(frames.frames())
    assert {file.stem for file in frames.GOLDEN.iterdir()} == set(made)
    for name, data in made.items():
        assert data.decode() == golden(name), name


@pytest.mark.parametrize("version", sdk.VERSIONS)
def test_a_client_reads_every_chunk(version: str) -> None:
    answer = sdk.read(version, frames=golden("everything"))
    assert (answer["error"], answer["ended"]) == (None, True)
    message = answer["message"]
    assert (message["id"], message["role"]) == ("msg-1", "assistant")
    assert message["metadata"] == {"model": "test", "tokens": 7}
    assert [part["type"] for part in message["parts"]] == [
        "step-start", "reasoning", "text", "source-url", "source-document", "file", "data-weather", "tool-add",
        "tool-fail", "step-start", "text",
    ]  # fmt: skip
    parts = {part["type"]: part for part in message["parts"]}
    assert message["parts"][2]["text"] == "Hello, wörld \u2028 \U0001f600\n\ndata: x"
    assert parts["data-weather"]["data"] == {"degrees": 21}
    assert parts["tool-add"]["output"] == {"sum": 3}
    assert parts["tool-fail"]["errorText"] == "It failed."


@pytest.mark.parametrize("version", sdk.VERSIONS)
def test_our_message_is_the_client_s(version: str) -> None:
    """What on_finish gives to be stored is what the page shows."""
    for name in ("everything", "text", "approval", *(["only-7"] if version == "7" else [])):
        theirs = sdk.read(version, frames=golden(name))["message"]
        ours = built(name)
        assert ours["role"] == theirs["role"]
        assert ours.get("metadata") == theirs.get("metadata")
        assert [essence(part) for part in ours["parts"]] == [essence(part) for part in theirs["parts"]]


def essence(part: dict[str, Any]) -> dict[str, Any]:
    """A part without what a client notes for itself; `id` of a reasoning part is new in 7."""
    own = ("providerMetadata", "preliminary", "callProviderMetadata", "rawInput", "errorText", "id")
    return {name: value for name, value in part.items() if name not in own}


@pytest.mark.parametrize("version", sdk.VERSIONS)
def test_a_client_reads_approvals(version: str) -> None:
    first, second = sdk.read(version, frames=golden("approval"))["message"]["parts"]
    assert (first["state"], first["approval"]["id"]) == ("approval-requested", "approval-1")
    assert second["state"] == "output-denied"


@pytest.mark.parametrize("version", sdk.VERSIONS)
def test_a_client_gets_the_masked_error(version: str) -> None:
    answer = sdk.read(version, frames=golden("failing"))
    assert "An error occurred." in answer["error"]
    assert "hunter2" not in golden("failing")
    assert answer["texts"][-1] == "Half an ans"


def test_only_a_client_of_version_7_reads_the_newest_types() -> None:
    assert sdk.read("7", frames=golden("only-7"))["error"] is None
    assert "TypeValidationError" in sdk.read("6", frames=golden("only-7"))["error"]
