"""One request answered: the handler is called, its response is written, the connection goes on or ends.

The task of a request runs `answer`, and nothing that a handler does leaves it: an exception is a 500, a failed
stream cuts the connection. Knows no parser and no routes.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from waypost.errors import ClientDisconnected, HTTPError, InvalidResponseError
from waypost.http.payload import BodyStream
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.server.head import PLAIN, asks_for_websocket
from waypost.server.intake import WAIT
from waypost.server.sending import send_stream
from waypost.server.writer import render

if TYPE_CHECKING:
    from waypost.server.protocol import HttpConnection

logger = logging.getLogger("waypost.server")


async def answer(connection: HttpConnection, request: Request) -> None:
    """Run the handler and send what it gives. Never raises while the loop lives."""
    service = connection.service
    if connection.task is not None:  # it begins in a turn of its own (Python 3.11): the client may have left by now
        if connection.gone and not request.keep_running:
            connection.answered(request, 0)
            return
        connection.running = True
    response: Response | None = None
    status = 0
    try:
        wishes = connection.wishes
        if wishes is PLAIN or not wishes.upgrade or service.upgrade is None:
            response = await service.handler(request)
        else:
            websocket = request.method == "GET" and asks_for_websocket(wishes.upgrade)
            response = await (service.upgrade(connection, request) if websocket else service.handler(request))
        if response is not None:
            status = response._status
            payload = response._payload
            if isinstance(payload, BodyStream):
                await _stream(connection, request, response)
                status = status if connection.started_sending else 0
            else:
                data = payload or b""
                # What nearly every answer is: there in one piece, and the connection goes on after it.
                plain = wishes is PLAIN and connection.phase == WAIT and not service.draining
                close = not plain and (service.draining or not (wishes.keep_alive and connection.drains_soon))
                if connection.gone:
                    status, data = 0, b""
                else:
                    whole = render(response, data, service.clock, request.method, close, wishes.http10)
                    if not plain:
                        connection.write(whole)  # its connection may end with it
                    else:
                        connection.give(whole)
                        if not connection.write_paused:
                            connection.answered_plainly(request, status, data)
                            return
                connection.closing = close
                connection.sent_bytes = len(data) if request.method != "HEAD" else 0
        elif connection.taken is not None:
            status = 101
        else:
            raise InvalidResponseError("the handler gave no response")
    except BaseException as error:
        if service.loop.is_closed():
            raise  # the loop is torn down, and with it this coroutine
        status = _rescue(connection, request, response, error)
        connection.answered(request, status, cut=connection.started_sending and request.method != "HEAD")
        return
    connection.answered(request, status)


async def _stream(connection: HttpConnection, request: Request, response: Response) -> None:
    """Send a streamed response; afterwards `connection.closing` says whether the connection ends with it."""
    payload = response.payload
    assert isinstance(payload, BodyStream)
    if connection.gone:
        await payload.aclose()
        return
    connection.started_sending = True
    close = not (connection.wishes.keep_alive and connection.drains_soon) or connection.service.draining
    connection.closing = close
    connection.watch_stream()
    connection.closing = await send_stream(connection, response, payload, request.method, close)


def _rescue(connection: HttpConnection, request: Request, response: Response | None, error: BaseException) -> int:
    """After an exception: a 500 where nothing was sent yet, else the connection is cut. Gives the status sent."""
    cancelled = isinstance(error, asyncio.CancelledError)
    if cancelled and connection.task is not None:
        connection.task.uncancel()
    if cancelled and connection.cut == "timeout":
        limit = connection.service.limits.handler_timeout
        logger.error("%s %s was cut: it took more than %g s", request.method, request.path, limit)
    out = response._status if response is not None and connection.started_sending else 0
    if connection.gone or connection.taken is not None:
        if not cancelled and not isinstance(error, Exception):
            _log(request, error)
        connection.closing = True
        return out if connection.taken is None else 101
    if connection.started_sending:
        if not cancelled and not isinstance(error, ClientDisconnected):
            _log(request, error)
        connection.abort()
        return out
    if cancelled and connection.cut:
        status, message = (504, "Handler timed out") if connection.cut == "timeout" else (503, "Shutting down")
    elif isinstance(error, HTTPError) and response is None:
        status, message = error.status, error.message
    else:
        _log(request, error)
        status, message = 500, "Internal server error"
    connection.refuse_running(status, message)
    return status


def _log(request: Request, error: BaseException) -> None:
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
