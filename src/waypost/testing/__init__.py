"""An in-process client over the application, and a request scope for calling a handler directly."""

from __future__ import annotations

from waypost.testing.client import AsyncClient, BodyData, ClientResponse, request_scope
from waypost.testing.plain import Client, StreamedResponse
from waypost.testing.websocket import AsyncClientSocket, ClientSocket, HandshakeRefused

__all__ = [
    "AsyncClient",
    "AsyncClientSocket",
    "BodyData",
    "Client",
    "ClientResponse",
    "ClientSocket",
    "HandshakeRefused",
    "StreamedResponse",
    "request_scope",
]
