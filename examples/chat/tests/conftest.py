"""The chat on a database of its own for every test, and a model that does not wait between its words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waypost.testing import Client

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("CHAT_DB", str(tmp_path / "chat.db"))
    monkeypatch.setattr("lib.model.PAUSE", 0.0)
    with Client(PROJECT) as client:
        yield client


def question(text: str, *, before: list[Any] | None = None) -> dict[str, Any]:
    """What the page posts."""
    message = {"id": f"m-{text[:5]}", "role": "user", "parts": [{"type": "text", "text": text}]}
    return {"id": "chat-1", "messages": [*(before or []), message], "trigger": "submit-message"}


def chunks(body: str) -> list[dict[str, Any]]:
    """The chunks of a stream."""
    *frames, end = [line.removeprefix("data: ") for line in body.split("\n\n") if line.startswith("data: ")]
    assert end == "[DONE]"
    return [json.loads(frame) for frame in frames]
