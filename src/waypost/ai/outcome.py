"""What a model's run came to: its usage and how it ended. Filled while the run goes on; knows no model."""

from __future__ import annotations

from dataclasses import dataclass, field

from waypost.ai.chunks import FinishReason


@dataclass(slots=True)
class Usage:
    """Tokens. A model made of plain text counts none, unless it gives a Usage among its pieces."""

    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(slots=True)
class Outcome:
    """The state of a run. text: what the model said, in the pieces it came in."""

    usage: Usage = field(default_factory=Usage)
    finish_reason: FinishReason = "stop"
    text: list[str] = field(default_factory=list)
