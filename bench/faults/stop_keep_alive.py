"""SIGTERM under load on kept connections, ten times: a request that was sent is answered."""

from __future__ import annotations

import asyncio
import contextlib

from rig import Service, connect, exchange, main


class Clients:
    """Closed-loop clients, which connect again when they are told to."""

    def __init__(self, port: int, count: int) -> None:
        self.port = port
        self.answered = 0
        self.lost: list[str] = []
        self.over = False
        self.tasks = [asyncio.ensure_future(self._work()) for _ in range(count)]

    async def _work(self) -> None:
        while not self.over:
            try:
                peer = await connect(self.port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            try:
                while not self.over:
                    _, head, _ = await exchange(peer)
                    self.answered += 1
                    if b"connection: close" in head:
                        break
            except (OSError, EOFError) as error:
                self.lost.append(repr(error))
            peer[1].close()


async def _run(service: Service, count: int) -> tuple[int, list[str], int]:
    clients = Clients(service.port, count)
    await asyncio.sleep(1.0)
    code, _ = await asyncio.to_thread(service.stop)
    clients.over = True
    for task in clients.tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*clients.tasks, return_exceptions=True)
    return clients.answered, clients.lost, code


def measure(short: bool) -> tuple[bool, str]:
    runs = 2 if short else 10
    answered, lost, codes = 0, [], set()
    for number in range(runs):
        with Service(workers=2 - number % 2) as service:
            some, more, code = asyncio.run(_run(service, 40))
        answered += some
        lost += more
        codes.add(code)
    return not lost and codes == {0}, f"{len(lost)} of {answered} unanswered in {runs} runs {lost[:3] or ''}"


if __name__ == "__main__":
    main("graceful stop under keep-alive load", "0 sent and unanswered", measure)
