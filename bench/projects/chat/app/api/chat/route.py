"""What bench/ai_delay.py reads: a model behind OpenAI's chat completions, as `useChat` gets it."""

import os

from waypost import Request, Response
from waypost.ai import openai, stream_text

MODEL = openai("gpt-4o", api_key="none", base_url=os.environ["UPSTREAM"])


async def POST(request: Request) -> Response:
    return stream_text(model=MODEL, messages=await request.json()).to_ui_message_stream_response()
