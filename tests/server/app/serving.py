"""An application for worker processes: named by tests as `serving:make`."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.server.worker import Serving

BALLAST: list[bytes] = []


async def handler(request: Request) -> Response:
    if request.path == "/pid":
        return Response(str(os.getpid()))
    if request.path == "/slow":
        await asyncio.sleep(1.0)
        return Response(str(os.getpid()))
    if request.path == "/die":
        os.kill(os.getpid(), signal.SIGKILL)
    if request.path == "/eat":
        BALLAST.append(b"x" * 200_000_000)
    if request.path == "/events":

        async def events() -> AsyncIterator[bytes]:
            while not request.signal.aborted:
                yield b"data: tick\n\n"
                await asyncio.sleep(0.05)
            yield b"data: end\n\n"

        return Response(events(), headers={"content-type": "text/event-stream"})
    if request.path == "/block":
        time.sleep(30)
    return Response("x")


def make(**config: Any) -> Serving:
    journal = config.pop("journal", None)
    fail = config.pop("fail", None)
    slow = config.pop("slow", 0.0)

    def note(line: str) -> None:
        if journal:
            with Path(journal).open("a") as file:
                file.write(f"{os.getpid()} {line}\n")

    async def startup() -> None:
        if fail and (fail != "later" or Path(f"{journal}.broken").exists()):
            if fail == "crash":
                os._exit(9)
            raise StartupError("the project is broken", file="app/route.py", line=3, remedy="Mend it.")
        await asyncio.sleep(slow)
        note("startup")

    async def shutdown(grace: float) -> None:
        note("shutdown")

    return Serving(handler, startup, shutdown, config=SimpleNamespace(**config))
