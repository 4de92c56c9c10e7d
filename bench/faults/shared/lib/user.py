"""The user of the request, where any code below can read it: what must never reach a cached answer."""

from __future__ import annotations

from contextvars import ContextVar

USER = ContextVar("user", default="nobody")
