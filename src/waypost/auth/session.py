"""A session: proof, found in a request, that someone has signed in; and what keeps sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from waypost.errors import StartupError


@dataclass(frozen=True, slots=True)
class Session:
    """subject: who it is, as `login` was told. claims: what else it was told. expires: Unix time in seconds."""

    subject: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    expires: float = 0.0


class Sessions(Protocol):
    """Keeps sessions: in signed tokens (TokenSessions) or in a store (StoredSessions).

    lifetime: seconds that a session lasts.
    """

    lifetime: float

    async def create(self, subject: str, claims: Mapping[str, Any]) -> str:
        """The text that the client will show: at most 4,000 letters, digits and `-_.`."""
        ...

    async def read(self, text: str) -> Session | None:
        """The session of a text that a client has shown; None unless it is good. Raises when it can't be known."""
        ...

    async def revoke(self, text: str) -> None:
        """End the session of a text, where that is possible."""
        ...


def check_lifetime(lifetime: float) -> float:
    """`lifetime` if it is one. Raises StartupError."""
    if not 0 < lifetime < float("inf"):
        raise StartupError(f"lifetime={lifetime!r} is not a number of seconds", remedy="Use a positive number.")
    return lifetime
