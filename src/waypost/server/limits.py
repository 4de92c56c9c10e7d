"""ServerLimits: what the server reads of the configuration, and nothing else of it.

Sizes are bytes, times seconds; 0 switches a limit off unless its line says otherwise. Made once a worker, from any
object that has fields of the same names. Knows no sockets and no requests.
"""

from __future__ import annotations

from typing import Any, Self

import msgspec

from waypost.errors import StartupError


class ServerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one server.

    max_url_size, max_header_size, max_headers: of one request; past them the answer is 414 or 431.
    header_timeout: from accept, or from the first byte of a later request, to the end of its headers.
    body_timeout: longest silence within a body; min_body_rate: bytes a second, judged over each body_timeout.
    write_timeout: how long a client may take nothing of its answer; stream_timeout: how long a stream may give nothing.
    handler_timeout: until the handler has a response; what streams after that has stream_timeout.
    max_concurrent_requests: beyond it the answer is 503 with Retry-After.
    max_requests, worker_memory_limit: a worker past one of them asks to be replaced.
    websocket_…: see Config; max_size is of one message, max_queue counts messages that wait for their handler.
    """

    max_url_size: int = 16_384
    max_headers: int = 100
    max_header_size: int = 65_536
    header_timeout: float = 10.0
    body_timeout: float = 30.0
    min_body_rate: int = 1024
    keep_alive_timeout: float = 30.0
    write_timeout: float = 60.0
    stream_timeout: float = 0.0
    handler_timeout: float = 0.0
    shutdown_grace: float = 10.0
    max_concurrent_requests: int = 0
    max_requests: int = 0
    worker_memory_limit: int = 0
    backlog: int = 16_384
    websocket_max_size: int = 1_048_576
    websocket_max_queue: int = 32
    websocket_ping_interval: float = 20.0
    websocket_ping_timeout: float = 20.0
    websocket_idle_timeout: float = 0.0
    websocket_close_timeout: float = 10.0
    websocket_compression: bool = False
    access_log: bool = False
    log_format: str = "text"
    proxy_protocol: bool = False
    tls_certificate: str = ""
    tls_key: str = ""

    @classmethod
    def from_config(cls, config: object) -> Self:
        """Read the fields of the same names; one that `config` has not keeps its default. Raises StartupError."""
        defaults = zip(cls.__struct_fields__, cls.__struct_defaults__, strict=True)
        found: dict[str, Any] = {name: getattr(config, name, default) for name, default in defaults}
        for name in ("tls_certificate", "tls_key"):
            found[name] = str(found[name] or "")
        return cls(**found).checked()

    def checked(self) -> Self:
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise StartupError(
                "TLS needs both a certificate and a key",
                remedy="Set tls_certificate and tls_key, or neither.",
            )
        if self.proxy_protocol and self.tls_certificate:
            # The PROXY header comes in clear before the TLS handshake; the event loop can't switch in between.
            raise StartupError(
                "the PROXY protocol and TLS can't be used on the same socket",
                remedy="Let the proxy end TLS, or switch proxy_protocol off.",
            )
        return self
