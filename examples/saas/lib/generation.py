"""Stands for a model that costs money: a text from a prompt."""

from __future__ import annotations

import asyncio
import hashlib

OPENINGS = ("In short", "Put simply", "Seen from afar", "At first sight", "In the end")
TURNS = ("there is more to it than it seems", "the answer is older than the question", "less would be more")


async def generate(prompt: str) -> str:
    """The same text for the same prompt."""
    await asyncio.sleep(0.05)
    number = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:8])
    return f"{OPENINGS[number % len(OPENINGS)]}: {prompt.strip()[:80]} – {TURNS[number // 7 % len(TURNS)]}."
