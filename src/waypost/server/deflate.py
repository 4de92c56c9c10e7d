"""permessage-deflate: what a client offers and what is agreed on.

The windows are small: a connection that compresses keeps them for as long as it lives.
Source: RFC 7692.
"""

from __future__ import annotations

from typing import Final

from websockets.exceptions import InvalidHeaderFormat, NegotiationError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.headers import build_extension, parse_extension

_FACTORY: Final = ServerPerMessageDeflateFactory(
    server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
)


def negotiate(offers: bytes) -> tuple[str, list[Extension]]:
    """The Sec-WebSocket-Extensions of the answer, "" for none, and what does the work."""
    try:
        parsed = parse_extension(offers.decode("latin-1"))
    except InvalidHeaderFormat:
        return "", []  # what we can't read we do not agree to
    for name, parameters in parsed:
        if name == _FACTORY.name:
            try:
                agreed, extension = _FACTORY.process_request_params(parameters, [])
            except NegotiationError:
                continue
            return build_extension([(name, agreed)]), [extension]
    return "", []
