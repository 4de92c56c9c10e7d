"""The model: one of a provider if CHAT_MODEL names it, as `openai:gpt-4o`, else a small one made of Python.

The small one needs no key and no package, and always says the same; it shows everything that the page can do.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

from waypost.ai import ModelMessage, Usage, tool

from lib.weather import city_in, weather

SYSTEM = "You are a helpful assistant. Answer in plain text, in a few sentences."
PAUSE = float(os.environ.get("CHAT_PAUSE", "0.04"))  # seconds between two words

ABILITIES = (
    "I am a model of forty lines of Python, so that this page runs without a key. I stream my answers word by word, "
    "ask for the weather with a tool (\u201cWhat is the weather in Oslo?\u201d), tell a long story that you can stop "
    "or reload in the middle of, and fail when you ask me to. Set CHAT_MODEL=openai:gpt-4o or "
    "CHAT_MODEL=anthropic:claude-sonnet-4-5 to talk to somebody cleverer."
)
STORY = (
    "A signpost stood where two roads met, and nobody had ever asked it anything. People read it and went on. "
    "One evening a traveller stopped, out of breath, and said: which way is it? The signpost, which had waited a "
    "hundred years for the question, did not know where the traveller wanted to go. So it told of the roads instead. "
    "One goes up, it said, past the mill and the three birches, and in winter you hear the ice sing. The other goes "
    "down to the harbour, where every ship is late and nobody minds. "
)


async def small_model(messages: list[ModelMessage]) -> AsyncIterator[Any]:
    """Words, and the chunks of a tool call."""
    question = _text(messages[-1])
    asked = question.lower()
    words = 0
    if "weather" in asked:
        call = {"toolCallId": "call-1", "toolName": "weather"}
        city = city_in(question)
        yield {"type": "tool-input-start", **call}
        await asyncio.sleep(5 * PAUSE)
        yield {"type": "tool-input-available", **call, "input": {"city": city}}
        await asyncio.sleep(20 * PAUSE)
        found = await weather(city)
        yield {"type": "tool-output-available", "toolCallId": "call-1", "output": found}
        yield {"type": "finish-step"}
        yield {"type": "start-step"}
        answer = f"It is {found['sky']} in {found['city']}, with {found['degrees']} degrees."
    elif "fail" in asked:
        answer = "I will try to "
    elif "story" in asked:
        answer = STORY * 6
    elif "what can you do" in asked:
        answer = ABILITIES
    else:
        answer = f"You said: \u201c{question}\u201d. Ask me what I can do, for the weather in a city, or for a story."
    for word in answer.split(" "):
        words += 1
        yield word if words == 1 else f" {word}"
        await asyncio.sleep(PAUSE)
    if "fail" in asked:
        raise RuntimeError("the model's server at 10.0.0.7 refused the key sk-secret")
    yield Usage(input_tokens=len(question.split()), output_tokens=words)


def _text(message: ModelMessage) -> str:
    content = message["content"]
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part.get("type") == "text")


MODEL: Any = os.environ.get("CHAT_MODEL") or small_model
#: A provider's model calls the function; the small one does so itself.
TOOLS = None if MODEL is small_model else {"weather": tool(weather)}
