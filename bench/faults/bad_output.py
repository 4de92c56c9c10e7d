"""Handlers that return or raise everything wrong: a 500 or a cut stream each time, and the same worker afterwards."""

from __future__ import annotations

import asyncio
import importlib.util
import sys

from rig import PROJECT, Service, connect, exchange, main


def _kinds() -> list[str]:
    path = PROJECT / "app" / "bad" / "[kind]" / "route.py"
    spec = importlib.util.spec_from_file_location("bad_route", path)
    assert spec is not None and spec.loader is not None
    sys.dont_write_bytecode = True
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.KINDS)


async def _run(service: Service, kinds: list[str]) -> tuple[list[str], list[str]]:
    wrong, cut = [], []
    for kind in kinds:
        peer = await connect(service.port)
        try:
            status, _, _ = await asyncio.wait_for(exchange(peer, f"/bad/{kind}"), 10)
            if status != 500:
                wrong.append(f"{kind}: {status}")
        except (EOFError, ConnectionError):
            cut.append(kind)
            if "stream" not in kind:
                wrong.append(f"{kind}: cut")
        except TimeoutError:
            wrong.append(f"{kind}: no answer")
        peer[1].close()
    return wrong, cut


def measure(short: bool) -> tuple[bool, str]:
    kinds = _kinds()
    with Service() as service:
        before = service.get("/pid")
        wrong, cut = asyncio.run(_run(service, kinds))
        same = service.get("/pid") == before
    found = f"{len(kinds) - len(wrong)}/{len(kinds)} kinds safe ({len(cut)} cut streams), same worker: {same}"
    return not wrong and same and len(kinds) >= 50, f"{found} {wrong or ''}"


if __name__ == "__main__":
    main("bad handler output", "every kind a 500 or a cut stream, the worker lives", measure)
