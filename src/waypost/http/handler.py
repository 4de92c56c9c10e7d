"""The one interface that crosses the layers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from waypost.http.request import Request
from waypost.http.response import Response

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
