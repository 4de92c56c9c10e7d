"""No client ever gets what was made for another, whatever a handler's headers say: 50 users, interleaved, 2 workers."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
from pathlib import Path

from rig import PROJECT, Peer, Service, connect, limited, main, response

SHARED = PROJECT.parent / "shared"
USERS = 50
WORKERS = 2
OTHERS = ("variable", "hidden", "strict", "cached")


def _variants() -> list[str]:
    sys.path.insert(0, str(SHARED))
    try:
        from lib.variants import VARIANTS
    finally:
        sys.path.remove(str(SHARED))
    return list(VARIANTS)


class Checker:
    """What users were told, and what of it was not theirs."""

    def __init__(self, variants: list[str]) -> None:
        self.paths = [*(f"marked/{name}" for name in variants), *OTHERS]
        self.runs: set[tuple[str, str]] = set()
        self.asked = 0
        self.shared_hits = 0
        self.leaks: list[str] = []

    def check(self, path: str, user: str, method: str, answer: tuple[int, bytes, bytes]) -> None:
        status, head, body = answer
        told = (head + body).decode("latin-1")
        self.asked += 1
        problem = None
        if any("user-" in word and user not in word for word in told.replace("'", " ").split()):
            problem = "another user's name"
        elif path.startswith("marked/"):
            run = (path, told.lower().partition("x-run: ")[2].partition("\r")[0])
            if status != 200 or not run[1] or run in self.runs:
                problem = "an answer that was made for another"
            self.runs.add(run)
        elif path in ("variable", "hidden"):
            self.shared_hits += "cache-status: waypost; hit" in told
            problem = "a user's name for everybody" if status != 200 or "user-" in told else None
        elif path == "strict":
            problem = "a header was read" if status != 500 else None
        elif method == "GET" and body.decode() != f"profile of {user}, closed over {user}":
            problem = "another user's data"
        if problem:
            self.leaks.append(f"{method} /{path} by {user}: {problem}: {told[-200:]!r}")

    async def user(self, port: int, number: int, rounds: int) -> None:
        chance = random.Random(number)
        name = f"user-{number}-"
        peer = await connect(port)
        for _ in range(rounds):
            path, method = chance.choice(self.paths), chance.choice(["GET", "GET", "HEAD"])
            try:
                self.check(path, name, method, await _ask(peer, method, path, name))
            except EOFError:  # the server ends a connection now and then; the answer before it was whole
                peer = await connect(port)
        peer[1].close()


async def _ask(peer: Peer, method: str, path: str, name: str) -> tuple[int, bytes, bytes]:
    fields = "".join(f"{field}: {name}\r\n" for field in ("x-user", "authorization", "accept"))
    peer[1].write(f"{method} /{path}?user={name} HTTP/1.1\r\nHost: a\r\n{fields}Cookie: sid={name}\r\n\r\n".encode())
    if method == "GET":
        return await response(peer[0])
    head = await peer[0].readuntil(b"\r\n\r\n")
    return int(head[9:12]), head, b""


def measure(short: bool) -> tuple[bool, str]:
    wanted = 3_000 if short else 100_000
    with contextlib.ExitStack() as stack:
        # A copy: what an earlier run has cached must not be there.
        project = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "shared"
        shutil.copytree(SHARED, project, ignore=shutil.ignore_patterns(".waypost", "__pycache__"))
        service = stack.enter_context(Service(project=project, ready="/variable", workers=WORKERS))
        checker = Checker(_variants())
        failed = asyncio.run(limited(USERS, USERS, lambda number: checker.user(service.port, number, wanted // USERS)))
    errors = [repr(error) for error in failed if error is not None]
    found = f"{checker.asked} answers, {len(checker.leaks)} of another user, {checker.shared_hits} hits of shared ones"
    good = checker.asked >= wanted * 0.99 and not checker.leaks and not errors and checker.shared_hits > wanted // 20
    return good, f"{found} {[*checker.leaks[:3], *errors[:3]] or ''}"


if __name__ == "__main__":
    main("answers of 50 users over 2 workers, every header by which an answer is private", "0 of another user", measure)
