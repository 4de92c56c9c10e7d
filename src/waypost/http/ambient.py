"""The request that is being answered, for what a Response is made of without being handed it.

Who answers requests says how to find it; nothing is kept here per request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from waypost.http.request import Request

_find: Callable[[], Request | None] = lambda: None  # noqa: E731


def find_request_with(find: Callable[[], Request | None]) -> None:
    """Have current_request() ask `find`."""
    global _find  # noqa: PLW0603  # one way for the whole process, set when the module that knows it is imported
    _find = find


def current_request() -> Request | None:
    """The request being answered; None outside one, and where the answer is for more clients than one."""
    return _find()
