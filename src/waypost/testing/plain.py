"""Client: an AsyncClient for plain tests, on an event loop of its own in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from waypost.app.application import Application
from waypost.http.headers import HeadersInit
from waypost.testing.client import AsyncClient, ClientResponse, RequestOptions
from waypost.testing.websocket import ClientSocket

T = TypeVar("T")


async def _end_tasks() -> None:
    """As at the end of asyncio.run: what handlers have left running, as a connection's reader, ends with the loop."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


class Client:
    """AsyncClient for plain tests: an event loop of its own in a thread.

    Use as `with Client(".") as client: response = client.get("/api/posts")`.
    """

    def __init__(
        self,
        path: str | Path | Application = ".",
        *,
        host: str = "testserver",
        ip: str = "127.0.0.1",
        dev: bool = False,
    ) -> None:
        self._async = AsyncClient(path, host=host, ip=ip, dev=dev)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="waypost-client", daemon=True)

    @property
    def application(self) -> Application:
        return self._async.application

    @property
    def cookies(self) -> dict[str, str]:
        return self._async.cookies

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the client's loop: what the handlers opened there, as a pool, must be closed there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self._async.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._async.__aexit__(kind, error, trace))
        self.run(_end_tasks())
        self.run(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def request(self, method: str, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """As AsyncClient.request."""
        return self.run(self._async.request(method, target, **options))

    @contextlib.contextmanager
    def stream(self, method: str, target: str, **options: Unpack[RequestOptions]) -> Iterator[StreamedResponse]:
        """As AsyncClient.stream; `for chunk in response` reads it."""
        manager = self._async.stream(method, target, **options)
        response = self.run(_enter(manager))
        try:
            yield StreamedResponse(response, self)
        finally:
            self.run(_leave(manager))

    @contextlib.contextmanager
    def websocket(
        self, target: str, *, headers: HeadersInit = None, protocols: Sequence[str] = ()
    ) -> Iterator[ClientSocket]:
        """As AsyncClient.websocket."""
        manager = self._async.websocket(target, headers=headers, protocols=protocols)
        socket = ClientSocket(self.run(_enter(manager)), self)
        try:
            yield socket
        finally:
            self.run(_leave(manager))

    def get(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return self.request("GET", target, **options)

    def head(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return self.request("HEAD", target, **options)

    def post(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return self.request("POST", target, **options)

    def put(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return self.request("PUT", target, **options)

    def patch(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return self.request("PATCH", target, **options)

    def delete(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return self.request("DELETE", target, **options)

    def options(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return self.request("OPTIONS", target, **options)


class StreamedResponse:
    """A ClientResponse whose chunks a plain `for` reads as they are made."""

    def __init__(self, response: ClientResponse, client: Client) -> None:
        self.status = response.status
        self.headers = response.headers
        self._client = client
        self._chunks = response.__aiter__()

    def __iter__(self) -> Iterator[bytes]:
        while (chunk := self._client.run(_step(self._chunks))) is not None:
            yield chunk


async def _enter(manager: contextlib.AbstractAsyncContextManager[T]) -> T:
    return await manager.__aenter__()


async def _leave(manager: contextlib.AbstractAsyncContextManager[Any]) -> None:
    await manager.__aexit__(None, None, None)


async def _step(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)
