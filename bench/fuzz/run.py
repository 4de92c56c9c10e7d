"""Fuzzes what reads bytes of a client.

    python bench/fuzz/run.py                         a minute for each target, from the committed seeds
    python bench/fuzz/run.py json multipart --seconds 600
    python bench/fuzz/run.py protocol --seconds 3600  the server's protocol: whole, in pieces, the same answers

With atheris (pip install atheris) inputs are found by the coverage of waypost's own code; without it seeds are mutated
by chance. An input that raises, or takes longer than 50 ms of the process's time, ends it with code 1 and is kept in
bench/fuzz/found/. Copy what was found once to bench/fuzz/seeds/TARGET/, and the tests try it for ever.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SLOW = 0.05  # seconds of this process's time, the best of three
LONGEST = 4096
PIECES = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b"0", b"9" * 20, b":", b";", b",", b"=", b'"', b"\\", b"%", b"%2f",
    b"%00", b"--b", b"--b--", b"/", b"//", b"..", b"[", b"]", b"{", b"}", b"\xff", b"\xc3\xa9", b"e30.", b"bytes=",
    b"-", b"*=UTF-8''",
]  # fmt: skip


def load(name: str) -> Callable[[bytes], None]:
    """A target by its name. Imports waypost: call it where that is watched."""
    sys.path[:0] = [str(HERE), str(ROOT)]
    try:
        if name == "protocol":
            from tests.server.test_fuzz import check

            return lambda data: check(data[2:], list(data[:2] * 3))
        import targets

        return targets.TARGETS[name]
    finally:
        del sys.path[:2]


def names() -> list[str]:
    return sorted(folder.name for folder in (HERE / "seeds").iterdir())


def seeds(name: str) -> list[bytes]:
    return [file.read_bytes() for file in sorted((HERE / "seeds" / name).iterdir())]


def mutated(known: list[bytes], chance: random.Random) -> bytes:
    data = bytearray(chance.choice(known))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(6)
        if kind == 0:
            data[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del data[at : at + chance.randint(1, 8)]
        elif kind == 2:
            other = chance.choice(known)
            start = chance.randrange(len(other) + 1)
            data[at:at] = other[start : start + chance.randint(1, 80)]
        elif kind == 3:
            data[at:at] = chance.choice(PIECES) * chance.choice([1, 1, 1, 3, 100])
        elif kind == 4 and data:
            start = chance.randrange(len(data))
            data[at:at] = data[start : start + chance.randint(1, 40)] * chance.choice([1, 2, 20])
        else:
            data[at:at] = chance.randbytes(chance.randint(1, 6))
    return bytes(data[:LONGEST])


def watched(function: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """The target, and that no input takes it long."""

    def run(data: bytes) -> None:
        for _ in range(3):  # another process may have had the caches
            began = time.process_time()
            function(data)
            seconds = time.process_time() - began
            if seconds < SLOW:
                return
        raise AssertionError(f"{seconds * 1000:.0f} ms for {len(data)} bytes")

    return run


def keep(name: str, data: bytes) -> Path:
    file = HERE / "found" / name / hashlib.sha256(data).hexdigest()[:16]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def by_chance(name: str, seconds: float, seed: int, limit: int | None = None) -> int:
    """Mutate the seeds for so long, or for so many inputs. Gives how many were tried; raises what the target raises."""
    function = watched(load(name))
    known = seeds(name)
    for data in known:
        function(data)
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end and (limit is None or count < limit):
        data = mutated(known, chance)
        try:
            function(data)
        except BaseException:
            print(f"{name}: {data!r}\nkept in {keep(name, data)}", file=sys.stderr)
            raise
        count += 1
    return count


def by_coverage(name: str, seconds: float, atheris: Any) -> None:
    """Ends the process."""
    with atheris.instrument_imports(include=["waypost"]):
        function = watched(load(name))
    found = HERE / "found" / name
    found.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds:.0f}", f"-max_len={LONGEST}", f"-artifact_prefix={found}/"]
    corpus = HERE / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *options, str(corpus), str(HERE / "seeds" / name)], function)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="*", choices=[*names(), []], default=[])
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--by-chance", action="store_true", help="although atheris is there")
    options = parser.parse_args()
    if len(options.target) != 1:  # atheris ends its process
        same = ["--seconds", str(options.seconds), "--seed", str(options.seed)]
        same += ["--by-chance"] if options.by_chance else []
        runs = [
            subprocess.run([sys.executable, __file__, one, *same], check=False) for one in options.target or names()
        ]
        return max(run.returncode != 0 for run in runs)
    (name,) = options.target
    try:
        import atheris
    except ImportError:
        atheris = None
    if atheris is not None and not options.by_chance:
        by_coverage(name, options.seconds, atheris)
    print(f"{name}: {by_chance(name, options.seconds, options.seed):,} inputs, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
