"""Where answers that can be resumed are kept while they are made, and which store a URL names.

A stream is bytes at positions, whole frames at a time. Its writer holds it by a lease that each writing renews: a
stream whose writer was killed is `broken` when the lease has run out, and nobody waits for it for ever.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

from waypost.errors import StartupError

State: TypeAlias = Literal["running", "ended", "broken"]

LEASE: Final = 10.0  # seconds; a writer renews it several times a second
KEEP: Final = 60.0  # seconds for which the end of a stream is there for those who follow it


class StreamStore(Protocol):
    """Keeps streams by id, and which of them is a chat's. Any method may raise anything when it is out of order."""

    async def begin(self, chat: str, stream: str, longest: float) -> None:
        """The chat's stream is this one now; the one before it is to stop. longest: seconds it may run."""
        ...

    async def append(self, stream: str, position: int, data: bytes) -> bool:
        """Write at `position`, again or for the first time, and renew the lease. False: the stream is to stop."""
        ...

    async def end(self, stream: str, position: int, data: bytes) -> None:
        """Write the last of it."""
        ...

    async def find(self, chat: str) -> str | None:
        """The chat's stream, if it is being written."""
        ...

    async def read(self, stream: str, position: int) -> tuple[bytes, State]:
        """What there is from `position` on, and whether more will come."""
        ...

    async def stop(self, chat: str) -> bool:
        """Have the writer of the chat's stream stop; False when there is none."""
        ...

    async def close(self) -> None:
        """Give back what is open; a later call opens it again."""
        ...


def open_store(url: str, root: Path) -> StreamStore | None:
    """The store of a URL: "" or "sqlite:PATH" for the workers of a machine, a Redis URL for many; None for "memory:".

    root: the project's folder; "" is a file in its `.waypost`, and a relative PATH begins there. Nothing is opened
    before the first use. Raises StartupError for any other, and where a package is missing.
    """
    if url == "memory:":
        return None
    if url == "" or (url.startswith("sqlite:") and url != "sqlite:"):
        from waypost.ai.sqlite_streams import SQLiteStreams

        path = url.removeprefix("sqlite://").removeprefix("sqlite:") or ".waypost/streams.db"
        return SQLiteStreams(root / path)
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise StartupError(
            f"WAYPOST_STREAMS_URL names no store: {url.partition(':')[0]}:…",
            remedy="Use memory:, sqlite:data/streams.db or redis://host:6379/0.",
        )
    try:
        from waypost.ai.redis_streams import RedisStreams
    except ImportError as error:
        raise StartupError(
            f"WAYPOST_STREAMS_URL names a Redis server, and its client can't be imported: {error}",
            remedy='Install it: pip install "waypost[redis]"',
        ) from None
    return RedisStreams(url)
