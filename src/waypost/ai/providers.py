"""openai("gpt-4o"), anthropic("claude-…"): a model of a provider, by the names that the AI SDK has for them.

A name alone is only a name: the provider's package is imported when the model is first asked, and the key is read
from its usual variable (OPENAI_API_KEY, ANTHROPIC_API_KEY) then.
"""

from __future__ import annotations

from typing import Any


def openai(model: str, *, api_key: str | None = None, base_url: str | None = None) -> Any:
    """A model of OpenAI, or of a server with its chat completions (base_url). Needs `pydantic-ai-slim[openai]`."""
    if api_key is None and base_url is None:
        return f"openai-chat:{model}"
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    return OpenAIChatModel(model, provider=OpenAIProvider(api_key=api_key, base_url=base_url))


def anthropic(model: str, *, api_key: str | None = None) -> Any:
    """A model of Anthropic. Needs `pydantic-ai-slim[anthropic]`."""
    if api_key is None:
        return f"anthropic:{model}"
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    return AnthropicModel(model, provider=AnthropicProvider(api_key=api_key))
