"""Where a Request finds what reads it by a schema: `request.json(Post)`.

Schemas are made above this layer, of annotations that know nothing of requests; what reads them is put here when the
application is imported.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from waypost.http.form_limits import FormOptions
    from waypost.http.request import Request


class Reading(Protocol):
    """What reads requests by annotations. Raises TypeError for an annotation that can't be a schema."""

    def json(self, request: Request, annotation: Any) -> Awaitable[Any]: ...
    def query(self, request: Request, annotation: Any) -> Any: ...
    def form(self, request: Request, annotation: Any, options: FormOptions) -> Awaitable[Any]: ...


_make: Callable[[], Reading] | None = None


def read_with(make: Callable[[], Reading]) -> None:
    """Say what reads requests by annotations; made when a request is first asked to."""
    global _make  # noqa: PLW0603  # one for the process
    _make = make


@cache
def reading() -> Reading:
    """What reads requests by annotations."""
    assert _make is not None, "import waypost first"
    return _make()
