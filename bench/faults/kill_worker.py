"""kill -9 of one of two workers under load, 20 times: only what it was answering is lost."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time

from rig import SHORT_PATIENCE, Service, main
from stop_keep_alive import Clients


async def _run(service: Service, kills: int, count: int) -> tuple[int, int, list[float], int]:
    clients = Clients(service.port, count)
    await asyncio.sleep(0.5)
    worst, back = 0, []
    for _ in range(kills):
        before = len(clients.lost)
        workers = service.tree()[1:]
        killed = random.choice(workers)
        os.kill(killed, signal.SIGKILL)
        began = time.monotonic()
        seen: set[bytes] = set()
        while time.monotonic() - began < 10 and (len(seen) < 2 or str(killed).encode() in seen):
            try:
                seen.add(await asyncio.to_thread(service.get, "/pid"))
            except OSError:
                seen.clear()
            seen = {pid for pid in seen if int(pid) in service.tree()}
        back.append(time.monotonic() - began)
        worst = max(worst, len(clients.lost) - before)
        await asyncio.sleep(random.uniform(0.2, 0.6))
    quiet = len(clients.lost)
    await asyncio.sleep(0.5)
    clients.over = True
    await asyncio.gather(*clients.tasks, return_exceptions=True)
    return clients.answered, worst, back, len(clients.lost) - quiet


def measure(short: bool) -> tuple[bool, str]:
    kills, count = (3, 10) if short else (20, 10)
    with Service(workers=2) as service:
        answered, worst, back, after = asyncio.run(_run(service, kills, count))
        code, _ = service.stop()
    # A client waits for one answer at a time, so the dead worker had at most one request of each.
    met = worst <= count and max(back) <= 1.5 * (SHORT_PATIENCE if short else 1) and after == 0 and code == 0
    return met, (
        f"{kills} kills: at most {worst} of {count} clients lost an answer, both workers seen again after"
        f" {max(back):.2f} s at most, {after} lost afterwards, {answered} answered"
    )


if __name__ == "__main__":
    main("kill -9 of a worker", "no more lost than were in flight, full strength within about 1 s", measure)
