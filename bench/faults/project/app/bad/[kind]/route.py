"""Handlers that do everything wrong: each key of KINDS must be a 500, or a stream that is visibly cut."""

import asyncio
import dataclasses
import sys
import threading

from waypost import Response


class Hostile:
    def __repr__(self):
        raise RuntimeError("repr")

    def __bool__(self):
        raise RuntimeError("bool")

    def __getattr__(self, name):
        raise RuntimeError(name)


class Weird(BaseException):
    pass


def _raise(error):
    raise error


def _recursion():
    return _recursion()


async def _cancelled():
    asyncio.current_task().cancel()
    await asyncio.sleep(1)


async def _stream(*items, error=None):
    for item in items:
        yield item
    if error is not None:
        raise error


def _circular():
    data = {}
    data["self"] = data
    return data


def _forged(**fields):
    response = Response("x")
    for name, value in fields.items():
        setattr(response, name, value)
    return response


KINDS = {
    "none": lambda: None,
    "int": lambda: 5,
    "object": object,
    "class": lambda: Response,
    "function": lambda: _raise,
    "module": lambda: sys,
    "set-of-objects": lambda: [object()],
    "circular": _circular,
    "deep": lambda: eval("[" * 90 + "]" * 90) and _nested(100_000),
    "surrogate": lambda: {"a": "\ud800"},
    "lock": threading.Lock,
    "hostile": Hostile,
    "coroutine": lambda: asyncio.sleep(0),
    "future": lambda: asyncio.get_running_loop().create_future(),
    "status-0": lambda: Response("x", 0),
    "status-99": lambda: Response("x", 99),
    "status-100": lambda: Response("x", 100),
    "status-101": lambda: Response(None, 101),
    "status-600": lambda: Response("x", 600),
    "status-1000": lambda: Response("x", 1000),
    "status-negative": lambda: Response("x", -200),
    "status-text": lambda: Response("x", "200"),
    "status-float": lambda: Response("x", 200.5),
    "status-none": lambda: Response("x", None),
    "status-true": lambda: Response("x", True),
    "body-on-204": lambda: Response("x", 204),
    "body-on-304": lambda: Response("x", 304),
    "error-response": Response.error,
    "header-crlf": lambda: Response("x", headers={"a": "b\r\nc: d"}),
    "header-nul": lambda: Response("x", headers={"a": "b\0"}),
    "header-name": lambda: Response("x", headers={"a b": "c"}),
    "header-name-empty": lambda: Response("x", headers={"": "c"}),
    "header-name-crlf": lambda: Response("x", headers={"a\r\nb": "c"}),
    "header-unicode": lambda: Response("x", headers={"a": "\u4e2d"}),
    "header-none": lambda: Response("x", headers={"a": None}),
    "headers-int": lambda: Response("x", headers=5),
    "reason-crlf": lambda: Response("x", status_text="a\r\nb: c"),
    "redirect-crlf": lambda: Response.redirect("/a\r\nb: c"),
    "redirect-scheme": lambda: Response.redirect("javascript:alert(1)"),
    "redirect-status": lambda: Response.redirect("/", 200),
    "cookie-crlf": lambda: _cookie("a\r\nb", "c"),
    "body-int": lambda: Response(5),
    "body-dict": lambda: Response({"a": 1}),
    "stream-of-int": lambda: Response(_stream(5)),
    "stream-of-none": lambda: Response(_stream(b"a", None)),
    "stream-raises": lambda: Response(_stream(b"a", error=RuntimeError("x"))),
    "stream-raises-first": lambda: Response(_stream(error=RuntimeError("x"))),
    "stream-exits": lambda: Response(_stream(b"a", error=SystemExit(1))),
    "stream-too-short": lambda: Response(_stream(b"a"), headers={"content-length": "5"}),
    "sync-stream-raises": lambda: Response(_raise(RuntimeError("x")) for _ in range(3)),
    "file-of-a-number": lambda: Response.file(3),
    "raise-value-error": lambda: _raise(ValueError("x")),
    "raise-assertion": lambda: _raise(AssertionError()),
    "raise-memory-error": lambda: _raise(MemoryError()),
    "raise-recursion": _recursion,
    "raise-keyboard-interrupt": lambda: _raise(KeyboardInterrupt()),
    "raise-system-exit": lambda: _raise(SystemExit(0)),
    "raise-generator-exit": lambda: _raise(GeneratorExit()),
    "raise-base-exception": lambda: _raise(Weird()),
    "raise-stop-iteration": lambda: _raise(StopIteration()),
    "raise-stop-async-iteration": lambda: _raise(StopAsyncIteration()),
    "raise-cancelled": lambda: _raise(asyncio.CancelledError()),
    "raise-group": lambda: _raise(ExceptionGroup("x", [ValueError("y")])),
    "raise-hostile": lambda: _raise(type("H", (Exception,), {"__str__": lambda self: 1 / 0})()),
    "cancels-itself": _cancelled,
    "dataclass-type": lambda: dataclasses.make_dataclass("D", ["a"]),
}


def _nested(depth):
    data = []
    for _ in range(depth):
        data = [data]
    return data


def _cookie(name, value):
    response = Response("x")
    response.cookies.set(name, value)
    return response


async def GET(request, context):
    result = KINDS[context.params["kind"]]()
    if asyncio.iscoroutine(result) and context.params["kind"] == "cancels-itself":
        return await result
    return result
