"""Server-sent events: a response that stays open and tells a page what happens, read there by `EventSource`.

    async def GET(request: Request) -> Response:
        return EventStream(news(after=last_event_id(request)))

Text of any kind is safe in `data`; the other fields refuse what would begin a new line. The stream sends comments
while nothing happens, closes its source within a moment of the client's leaving, and ends in good order when the
server stops, upon which a browser connects anew.
Source: HTML standard, section 9.2, "Server-sent events".
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final, TypeAlias

from waypost.app.context import current_scope
from waypost.http.headers import Headers, HeadersInit
from waypost.http.json import encode_json
from waypost.http.live_stream import LiveStream
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.signal import AbortSignal

Events: TypeAlias = "AsyncIterable[Any] | Iterable[Any]"

HEARTBEAT = 15.0  # seconds; proxies give up on a silent connection after 30 to 60
_HEADERS = (
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache, no-transform"),
    ("x-accel-buffering", "no"),  # nginx would otherwise collect events until a buffer is full
)


class Event:
    """One event.

    data: text is sent as it is, line by line (CR LF, CR and LF all end a line; the page sees LF); anything else is
    sent as JSON. None sends no data: the page then takes over id and retry and no event happens there.
    event: what the page listens for; "message" when it is None. id: comes back as `last_event_id` when the browser
    connects anew. retry: milliseconds after which it does.
    Raises ValueError for event or id with a line break or NUL, InvalidResponseError for data that JSON can't hold.
    """

    __slots__ = ("_bytes", "data", "event", "id", "retry")

    def __init__(
        self, data: Any = None, *, event: str | None = None, id: str | int | None = None, retry: int | None = None
    ) -> None:
        self.data = data
        self.event = event
        self.id = None if id is None else str(id)
        self.retry = retry
        lines: list[bytes] = []
        if event is not None:
            lines.append(b"event: " + _field("event", event))
        if self.id is not None:
            lines.append(b"id: " + _field("id", self.id))
        if retry is not None:
            if isinstance(retry, bool) or not isinstance(retry, int) or retry < 0:
                raise ValueError(f"retry is a number of milliseconds, not {retry!r}")
            lines.append(b"retry: %d" % retry)
        if isinstance(data, str):
            text = _utf8(data).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            lines.extend(b"data: " + line for line in text.split(b"\n"))
        elif data is not None:
            lines.append(b"data: " + encode_json(data))
        if not lines:
            raise ValueError("an event without data, event, id and retry says nothing")
        self._bytes = b"\n".join(lines) + b"\n\n"

    def __bytes__(self) -> bytes:
        """The event as it is sent."""
        return self._bytes

    def __repr__(self) -> str:
        fields = {"event": self.event, "id": self.id, "retry": self.retry}
        return f"Event({self.data!r}{''.join(f', {k}={v!r}' for k, v in fields.items() if v is not None)})"


class EventStream(Response):
    """A response that sends the events of an async iterable, or of a plain one, which is read in a worker thread.

    events: gives Event objects, or data alone: a str, or a value to be sent as JSON.
    heartbeat: seconds of silence before a comment is sent; None for no comments. retry: as in Event, sent first.
    headers: win over those of the stream. signal: ends it; by default that of the request that is being answered, so
    that the stream ends when the server stops. An exception of `events` cuts the connection, and the browser connects
    anew.
    """

    #: For descriptions of what a handler answers.
    media_type: Final = "text/event-stream"

    def __init__(
        self,
        events: Events,
        *,
        heartbeat: float | None = HEARTBEAT,
        retry: int | None = None,
        headers: HeadersInit = None,
        signal: AbortSignal | None = None,
    ) -> None:
        if isinstance(events, str | bytes | dict) or not isinstance(events, AsyncIterable | Iterable):
            raise TypeError(f"EventStream takes an iterable of events, not {type(events).__name__}")
        if heartbeat is not None and heartbeat <= 0:
            raise ValueError(f"heartbeat is a number of seconds above 0, or None, not {heartbeat!r}")
        first = b"" if retry is None else bytes(Event(retry=retry))
        signal = request_signal() if signal is None else signal
        fields = Headers(headers)
        for name, value in _HEADERS:
            if not fields.has(name):
                fields.set(name, value)
        super().__init__(
            LiveStream(events, encode_event, heartbeat=heartbeat, signal=signal, first=first), headers=fields
        )


def last_event_id(request: Request) -> str | None:
    """The id of the last event that the client has seen; None when it connects for the first time.

    It is what a client sends: use it to look something up, not as a fact.
    """
    value = request.headers.get("last-event-id")
    return value.encode("latin-1").decode("utf-8", "replace") if value else None


def encode_event(item: Any) -> bytes:
    """The bytes of an Event, or of a value that becomes the data of one."""
    if isinstance(item, Event):
        return item._bytes
    if item is None or isinstance(item, bytes | bytearray | memoryview):
        raise TypeError(f"an event stream sends Event objects, text and JSON values, not {type(item).__name__}")
    return Event(item)._bytes


def request_signal() -> AbortSignal | None:
    """The signal of the request that is being answered, if there is one."""
    scope = current_scope.get(None)
    return None if scope is None else scope.request.signal


def _field(name: str, value: str) -> bytes:
    if not isinstance(value, str):
        raise TypeError(f"{name} is a str, not {type(value).__name__}")
    if "\n" in value or "\r" in value or "\0" in value:
        # Passed on, the rest of the value would be fields, or whole events, of the one who wrote it.
        raise ValueError(f"{name} of an event must not hold a line break or NUL")
    return _utf8(value)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair becomes U+FFFD, as the Web's TextEncoder has it: one bad text must not end a stream.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
