"""Waypost under any ASGI 3 server: `app = create_app()`."""

from __future__ import annotations

from waypost.asgi.callable import ASGI, create_app

__all__ = ["ASGI", "create_app"]
