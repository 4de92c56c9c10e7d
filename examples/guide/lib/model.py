"""The language model: OpenAI's where there is a key, and otherwise one that repeats what it hears."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

from waypost.ai import ModelMessage, openai


async def parrot(messages: list[ModelMessage]) -> AsyncIterator[str]:
    yield "You said:"
    for word in str(messages[-1]["content"]).split():
        await asyncio.sleep(0.01)
        yield f" {word}"


model: Any = openai("gpt-4o") if os.environ.get("OPENAI_API_KEY") else parrot
