"""Waypost: route handlers as Next.js has them, in Python. A folder of files is the API.

The public names and nothing else; what only some programs need is imported by its own name (`waypost.testing` …).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from waypost.app.after import after
from waypost.app.context import Context, Params, connection, cookies, headers
from waypost.app.draft import draft_mode
from waypost.app.interrupts import forbidden, not_found, permanent_redirect, redirect, unauthorized
from waypost.errors import (
    BadRequest,
    BodyTooLarge,
    BodyUsedError,
    CacheUsageError,
    ClientDisconnected,
    DynamicReadError,
    FetchError,
    HTTPError,
    InvalidForm,
    InvalidJSON,
    Issue,
    NoSuchFile,
    StartupError,
    StoreUnavailable,
    UnsupportedMediaType,
    ValidationFailed,
    WebSocketDisconnect,
)
from waypost.http.blob import Blob, File
from waypost.http.cookies import Cookie
from waypost.http.forms import FormData
from waypost.http.handler import Next
from waypost.http.headers import Headers
from waypost.http.request import NextRequest, Request
from waypost.http.response import NextResponse, Response
from waypost.http.signal import AbortController, AbortSignal
from waypost.http.streams import ReadableStream
from waypost.http.transform import TransformStream, WritableStream
from waypost.http.url import URL, URLSearchParams

if TYPE_CHECKING:
    from waypost.asgi import create_app
    from waypost.http.request_id import request_id
    from waypost.http.saving import save_stream
    from waypost.http.sniff import sniff
    from waypost.http.user_agent import user_agent
    from waypost.http.websocket import WebSocket

__version__ = "0.1.0"

__all__ = [
    "URL",
    "AbortController",
    "AbortSignal",
    "BadRequest",
    "Blob",
    "BodyTooLarge",
    "BodyUsedError",
    "CacheUsageError",
    "ClientDisconnected",
    "Context",
    "Cookie",
    "DynamicReadError",
    "FetchError",
    "File",
    "FormData",
    "HTTPError",
    "Headers",
    "InvalidForm",
    "InvalidJSON",
    "Issue",
    "Next",
    "NextRequest",
    "NextResponse",
    "NoSuchFile",
    "Params",
    "ReadableStream",
    "Request",
    "Response",
    "StartupError",
    "StoreUnavailable",
    "TransformStream",
    "URLSearchParams",
    "UnsupportedMediaType",
    "ValidationFailed",
    "WebSocket",
    "WebSocketDisconnect",
    "WritableStream",
    "after",
    "connection",
    "cookies",
    "create_app",
    "draft_mode",
    "forbidden",
    "headers",
    "not_found",
    "permanent_redirect",
    "redirect",
    "request_id",
    "save_stream",
    "sniff",
    "unauthorized",
    "user_agent",
]


# The ASGI adapter brings the loader and the settings along, user_agent its patterns; most route files need none.
_DEFERRED = {
    "create_app": "waypost.asgi",
    "request_id": "waypost.http.request_id",
    "save_stream": "waypost.http.saving",
    "sniff": "waypost.http.sniff",
    "user_agent": "waypost.http.user_agent",
    "WebSocket": "waypost.http.websocket",
}


def __getattr__(name: str) -> Any:
    if name in _DEFERRED:
        from importlib import import_module

        return getattr(import_module(_DEFERRED[name]), name)
    raise AttributeError(f"module 'waypost' has no attribute {name!r}")
