"""The part of a Python client that is the same for every application: its text is copied into the client's file."""

from __future__ import annotations

import datetime
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, TypeAlias, TypedDict
from urllib.parse import quote

import httpx2

BASE_URL = ""
TRAILING_SLASH = False

# -- what follows is copied

#: A file of a form: its content, or its name and content, and perhaps its media type.
FormFile: TypeAlias = "bytes | IO[bytes] | tuple[str, bytes | IO[bytes]] | tuple[str, bytes | IO[bytes], str]"
Segment: TypeAlias = str | int | float | bool | datetime.date


class ApiIssue(TypedDict):
    """One mistake in what was sent: where, what, and a name for it."""

    path: list[str | int]
    message: str
    code: str


@dataclass(frozen=True)
class ServerEvent:
    """An event of a `text/event-stream`."""

    data: str
    event: str = "message"
    id: str = ""


class ApiError(Exception):
    """An answer with a status of 400 or more. body: JSON where it was JSON, else text."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.body: Any = _read(response)
        error = self.body.get("error") if isinstance(self.body, dict) else None
        super().__init__(error if isinstance(error, str) else f"The answer has the status {self.status}")

    @property
    def issues(self) -> list[ApiIssue]:
        """What was wrong with the request, for a 400 that says it."""
        found = self.body.get("issues") if isinstance(self.body, dict) else None
        return found if isinstance(found, list) else []


class _Sync:
    """Sends requests and waits for their answers."""

    def __init__(self, base_url: str, headers: Mapping[str, str] | None, http: httpx2.Client | None) -> None:
        self.base_url = base_url.rstrip("/")
        self.headers = headers
        self.http = http or httpx2.Client()

    def send(self, verb: str, path: tuple[Segment, ...], **given: Any) -> Any:
        response = self.http.request(verb, self.base_url + _path(path), **_arguments(self.headers, **given))
        if response.status_code >= 400:
            raise ApiError(response)
        return _read(response)

    def events(self, verb: str, path: tuple[Segment, ...], **given: Any) -> Iterator[ServerEvent]:
        arguments = _arguments(self.headers, **{"timeout": httpx2.Timeout(5.0, read=None), **given})
        with self.http.stream(verb, self.base_url + _path(path), **arguments) as response:
            if response.status_code >= 400:
                response.read()
                raise ApiError(response)
            events = _Events()
            for line in response.iter_lines():
                if (event := events.feed(line)) is not None:
                    yield event


class _Async:
    """Sends requests; their answers are awaited."""

    def __init__(self, base_url: str, headers: Mapping[str, str] | None, http: httpx2.AsyncClient | None) -> None:
        self.base_url = base_url.rstrip("/")
        self.headers = headers
        self.http = http or httpx2.AsyncClient()

    async def send(self, verb: str, path: tuple[Segment, ...], **given: Any) -> Any:
        response = await self.http.request(verb, self.base_url + _path(path), **_arguments(self.headers, **given))
        if response.status_code >= 400:
            raise ApiError(response)
        return _read(response)

    async def events(self, verb: str, path: tuple[Segment, ...], **given: Any) -> AsyncIterator[ServerEvent]:
        arguments = _arguments(self.headers, **{"timeout": httpx2.Timeout(5.0, read=None), **given})
        async with self.http.stream(verb, self.base_url + _path(path), **arguments) as response:
            if response.status_code >= 400:
                await response.aread()
                raise ApiError(response)
            events = _Events()
            async for line in response.aiter_lines():
                if (event := events.feed(line)) is not None:
                    yield event


class _Events:
    """Lines → events. Source: HTML standard, "Interpreting an event stream"."""

    def __init__(self) -> None:
        self.data: list[str] = []
        self.event = "message"
        self.id = ""

    def feed(self, line: str) -> ServerEvent | None:
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                self.data.append(value)
            elif name == "event":
                self.event = value
            elif name == "id":
                self.id = value
            return None
        data, event = self.data, self.event
        self.data, self.event = [], "message"
        return ServerEvent("\n".join(data), event, self.id) if data else None


def _path(parts: tuple[Segment, ...]) -> str:
    texts = [_text(part) for part in parts]
    for text in texts:
        if text in ("", ".", ".."):
            raise ValueError(f"{text!r} is no part of a path")
    path = "".join("/" + quote(text, safe="") for text in texts)
    return path + "/" if TRAILING_SLASH or not path else path


def _arguments(
    common: Mapping[str, str] | None,
    *,
    query: Mapping[str, Any] | None = None,
    fields: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    body: Any = ...,
    form: Mapping[str, Any] | None = None,
    raw: bytes | str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """What httpx2 is called with. fields: headers that the application reads, by name."""
    sent = {"accept": "application/json, */*;q=0.8", **(common or {})}
    for name, value in (fields or {}).items():
        if value is not None:
            sent[name] = ", ".join(_text(item) for item in _items(value))
    sent.update(headers or {})
    options = {name: value for name, value in options.items() if value is not None}
    options["params"] = [
        (name, _text(item)) for name, value in (query or {}).items() for item in _items(value) if item is not None
    ]
    if raw is not None:
        options["content"] = raw
    elif form is not None:
        pairs = [(name, item) for name, value in form.items() for item in _items(value) if item is not None]
        # As files, so that the form is multipart even where it has only texts.
        options["files"] = [(name, item if _is_upload(item) else (None, _text(item).encode())) for name, item in pairs]
    elif body is not ...:
        options["content"] = json.dumps(
            body, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_text
        ).encode()
        sent.setdefault("content-type", "application/json")
    return {**options, "headers": sent}


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,)


def _is_upload(value: Any) -> bool:
    return isinstance(value, bytes | tuple) or hasattr(value, "read")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def _read(response: httpx2.Response) -> Any:
    if response.status_code in (204, 205, 304) or not response.content:
        return None
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return response.json()
    return response.text if kind.startswith("text/") or not kind else response.content


class _Root:
    _sender: _Sync


class _AsyncRoot:
    _sender: _Async


# -- what follows stands below the classes of the paths


class Client(_Root):
    """The application, for plain functions: a folder is an attribute, `[id]` a call, a method a method.

    base_url: where it is. headers: those of every request. http: in place of an httpx2.Client of its own, for limits,
    cookies and proxies.
    """

    def __init__(
        self,
        base_url: str = BASE_URL,
        *,
        headers: Mapping[str, str] | None = None,
        http: httpx2.Client | None = None,
    ) -> None:
        self._sender = _Sync(base_url, headers, http)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._sender.http.close()


class AsyncClient(_AsyncRoot):
    """The application, for async functions; the arguments are those of Client."""

    def __init__(
        self,
        base_url: str = BASE_URL,
        *,
        headers: Mapping[str, str] | None = None,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._sender = _Async(base_url, headers, http)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._sender.http.aclose()
