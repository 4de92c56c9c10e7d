"""RouteEntry: one answerable path with its endpoints, fixed at start-up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from waypost.app.context import RequestScope
from waypost.errors import StartupError
from waypost.http.request import Request

if TYPE_CHECKING:
    from waypost.app.operation import Operation
    from waypost.app.static_path import PathTemplate
    from waypost.app.static_routes import StaticRoute

Endpoint: TypeAlias = Callable[[Request, RequestScope], Awaitable[Any]]


class RouteEntry:
    """A route file, a page or a public file.

    pattern: as the folders spell it, "/api/posts/[id]". endpoints: verb → function; HEAD stands beside GET unless the
    file has its own. max_body_size: bytes, None for no limit. streams_body: the route set its own limit, so that a
    chunked body is not collected before the handler runs. error: in dev, why the file can't be used. otherwise: answers
    the verbs that have no endpoint, where middleware has to see them too. middleware: what stands before the endpoints,
    outermost first, for listings. static: what answers GET when it is cached. template: writes the paths of the route;
    None for a public file. operations: verb → what it takes and gives.
    validation_error: the project's function that shapes the answer to ValidationFailed. sockets: it has a WEBSOCKET;
    only_sockets: and no GET beside it.
    """

    __slots__ = (
        "allow", "endpoints", "error", "file", "kind", "max_body_size", "middleware", "only_sockets", "operations",
        "options", "otherwise", "pattern", "sockets", "static", "streams_body", "template", "validation_error",
    )  # fmt: skip

    def __init__(
        self,
        pattern: str,
        file: Path,
        kind: str,
        endpoints: dict[str, Endpoint],
        *,
        options: Any = None,
        max_body_size: int | None = None,
        streams_body: bool = False,
        error: StartupError | None = None,
        static: StaticRoute | None = None,
        template: PathTemplate | None = None,
        operations: Mapping[str, Operation] | None = None,
        validation_error: Callable[..., Any] | None = None,
        sockets: bool = False,
        only_sockets: bool = False,
    ) -> None:
        self.pattern = pattern
        self.file = file
        self.kind = kind
        if "GET" in endpoints:
            endpoints.setdefault("HEAD", endpoints["GET"])
        self.endpoints = endpoints
        # Next.js lists OPTIONS too, and sorts.
        self.allow = ", ".join(sorted({*endpoints, "OPTIONS"}))
        self.options = options
        self.max_body_size = max_body_size
        self.streams_body = streams_body
        self.error = error
        self.static = static
        self.template = template
        self.operations: Mapping[str, Operation] = operations or {}
        self.validation_error = validation_error
        self.sockets = sockets
        self.only_sockets = only_sockets
        self.otherwise: Endpoint | None = None
        self.middleware: tuple[str, ...] = ()

    @property
    def methods(self) -> list[str]:
        """What it answers, automatic HEAD and OPTIONS included, and WEBSOCKET."""
        verbs = self.allow.split(", ")
        if self.only_sockets:
            verbs = [verb for verb in verbs if verb not in ("GET", "HEAD")]
        return [*verbs, "WEBSOCKET"] if self.sockets else verbs

    def __repr__(self) -> str:
        return f"RouteEntry({self.pattern} {self.allow})"
