"""An answer with headers by which nobody else may have it; `x-run` tells one run from another."""

from __future__ import annotations

import asyncio
import itertools
import os

from lib.variants import VARIANTS

from waypost import Context, Request, Response

revalidate = 60

RUNS = itertools.count(1)


async def GET(request: Request, context: Context) -> Response:
    run = f"{os.getpid()}-{next(RUNS)}"
    await asyncio.sleep(0)
    return Response(f"run {run}", headers={**VARIANTS[context.params["variant"]], "x-run": run})
