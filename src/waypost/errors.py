"""Every exception of Waypost, in one tree.

    Exception
    ├── StartupError               the developer's mistake: file, line, remedy; exit code 1
    │   └── StartupErrors          several of them, reported at once
    ├── HTTPError                  the client's fault: `status` and `message` are sent as they are
    │   ├── BadRequest             400  InvalidJSON, InvalidForm, InvalidPath, InvalidHost
    │   ├── NoSuchFile             404
    │   ├── ValidationFailed       400  the issues that a schema found in a request
    │   ├── RequestTimeout         408
    │   ├── BodyTooLarge           413
    │   └── UnsupportedMediaType   415
    ├── ClientDisconnected         the peer left before its request or our response was complete
    │   └── WebSocketDisconnect    a conversation is over: `code` and `reason`
    ├── AbortError                 an AbortSignal's work is no longer wanted
    ├── BodyUsedError (TypeError)  a streamed body was read a second time
    ├── NoRequestError             an ambient function was called outside a request
    ├── InvalidResponseError       a handler's result that can't be sent
    ├── InvalidHeaderError (TypeError)  a header name or value that can't go on the wire
    ├── InvalidURLError (ValueError)
    ├── StoreUnavailable           the cache's store is down, slow or broken; nothing was found or done
    ├── FetchError                 fetch() got no answer; `__cause__` says why
    ├── CacheUsageError (TypeError)  a value, tag, profile or place that the cache can't take
    └── DynamicReadError           a static handler read what differs from request to request
    BaseException
    └── Interrupt                  redirect(), not_found() …: not an Exception, so that a plain
                                   `try/except Exception` in a handler does not swallow it

This module imports nothing of Waypost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class StartupError(Exception):
    """A mistake in the project that is found before the first request.

    file, line: where to look (line counts from 1; None when the whole file is meant).
    remedy: one sentence that says what to change.
    """

    def __init__(
        self, message: str, *, file: Path | str | None = None, line: int | None = None, remedy: str = ""
    ) -> None:
        from pathlib import Path  # only reports need it, and it is slow to import

        super().__init__(message)
        self.message = message
        self.file = Path(file) if file is not None else None
        self.line = line
        self.remedy = remedy

    @property
    def place(self) -> str:
        """`path:line`, `path` or an empty string."""
        if self.file is None:
            return ""
        return f"{self.file}:{self.line}" if self.line else str(self.file)

    def __str__(self) -> str:
        head = f"{self.place}: {self.message}" if self.file else self.message
        return f"{head}\n  {self.remedy}" if self.remedy else head


class StartupErrors(StartupError):
    """All the mistakes found in one pass; `errors` has at least one."""

    def __init__(self, errors: Iterable[StartupError]) -> None:
        self.errors = list(errors)
        super().__init__("\n".join(str(error) for error in self.errors))

    def __str__(self) -> str:
        return self.message


class HTTPError(Exception):
    """A fault of the client: becomes `status` with the JSON body `{"error": message}`.

    message is sent to the client: never put internals in it.
    headers: extra response headers, e.g. `{"Retry-After": "3"}`.
    """

    status = 400

    def __init__(self, message: str, *, status: int | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        if status is not None:
            self.status = status
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """What is sent, as JSON."""
        return {"error": self.message}


class BadRequest(HTTPError):
    """The request can't be understood as it is."""

    status = 400


class InvalidJSON(BadRequest):
    """The body is not JSON (RFC 8259)."""


class InvalidForm(BadRequest):
    """The body is not a well-formed form of its declared type."""


class InvalidPath(BadRequest):
    """The request target has a malformed escape or a byte that no path may hold."""


class InvalidHost(BadRequest):
    """The Host header is missing, doubled or malformed (RFC 9112 section 3.2)."""


class NoSuchFile(HTTPError):
    """There is no file of that name, or none that may be had: the client can't tell which."""

    status = 404

    def __init__(self) -> None:
        super().__init__("File not found")


class Issue(NamedTuple):
    """One thing that a schema found wrong.

    path: where, outermost first: names of fields and positions in lists; empty for the value as a whole. message: what
    a person needs to read; never holds what was sent. code: the same for programs, as the schema's library names it.
    """

    path: tuple[str | int, ...]
    message: str
    code: str

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the answer."""
        return {"path": list(self.path), "message": self.message, "code": self.code}


MAX_ISSUES: Final = 50


class ValidationFailed(HTTPError):
    """What the client sent does not fit the schema. issues: each thing that is wrong, 50 at most."""

    def __init__(self, issues: Iterable[Issue], message: str = "Validation failed") -> None:
        super().__init__(message)
        self.issues = list(issues)[:MAX_ISSUES]

    def body(self) -> dict[str, Any]:
        """What is sent, as JSON: `{"error": "Validation failed", "issues": [{"path", "message", "code"}]}`."""
        return {"error": self.message, "issues": [issue.to_dict() for issue in self.issues]}


class RequestTimeout(HTTPError):
    """The request did not come in time."""

    status = 408


class BodyTooLarge(HTTPError):
    """The body, or a part of a form, is over its limit."""

    status = 413


class UnsupportedMediaType(HTTPError):
    """The body has a content type that this route does not read."""

    status = 415


class ClientDisconnected(Exception):
    """The client went away; what was read so far is incomplete."""


class WebSocketDisconnect(ClientDisconnected):
    """A conversation over a WebSocket is over, by whichever side.

    code: of the close frame; 1005 where it had none, 1006 where the connection broke. reason: its text.
    """

    def __init__(self, code: int = 1006, reason: str = "") -> None:
        super().__init__(f"the WebSocket is closed: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class AbortError(Exception):
    """The default reason of an aborted AbortSignal (DOM standard, "AbortError")."""


class BodyUsedError(TypeError):
    """The body was taken as a stream and can't be read again (Fetch standard, `bodyUsed`)."""


class NoRequestError(RuntimeError):
    """cookies(), headers(), after() … need a request and there is none here."""


class InvalidResponseError(Exception):
    """A response that can't be sent: wrong type, status, header or body."""


class InvalidHeaderError(TypeError):
    """A header name that is no token, or a value with a line break, NUL or a character above U+00FF."""


class InvalidURLError(ValueError):
    """Not an absolute URL (URL standard)."""


class StoreUnavailable(Exception):
    """The cache's store did not answer in time, or not as a store should; the message says why."""


class FetchError(Exception):
    """fetch() got no answer: no such host, no connection, a time limit, or an answer that broke off."""


class CacheUsageError(TypeError):
    """The cache was asked for something that it can't do; the message says what and what to do instead."""


class DynamicReadError(Exception):
    """A static handler, or a cached function, read what its cached result can't depend on.

    file, line: of the read, where it is known.
    """

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.file = file
        self.line = line


class Interrupt(BaseException):
    """Ends a handler with a response that is not an error: redirect(), not_found() and their kin."""

    def __init__(self, status: int, location: str | None = None) -> None:
        super().__init__(status, location)
        self.status = status
        self.location = location
