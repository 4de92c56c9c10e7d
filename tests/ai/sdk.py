"""The AI SDK's own clients, installed from their lock file and run by Node."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CLIENT = Path(__file__).parent / "client"
INSTALLED = CLIENT / "node_modules"
VERSIONS = ("6", "7")


@functools.cache
def node() -> str:
    """A Node.js to run the clients with. Skips the test, with what is missing, where there is none."""
    system, npm = shutil.which("node"), shutil.which("npm")
    if system is None or npm is None:
        pytest.skip("Node.js and npm are not installed: the AI SDK's clients need them (apt-get install nodejs npm)")
    lock = CLIENT / "package-lock.json"
    stamp = INSTALLED / ".waypost-lock"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        done = subprocess.run([npm, "ci"], cwd=CLIENT, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            pytest.skip(f"npm ci could not install the AI SDK into {INSTALLED.name}/: {done.stderr.strip()[-300:]}")
        stamp.write_bytes(lock.read_bytes())
    # `ai` 7 asks for Node 22: the package `node` has one, where its install script was allowed to run.
    own = INSTALLED / "node" / "bin" / "node"
    return str(own) if own.exists() else system


def read(version: str, **ask: Any) -> dict[str, Any]:
    """What the client of this version made of a stream; see client/read.mjs."""
    done = subprocess.run(
        [node(), "read.mjs", version],
        cwd=CLIENT,
        input=json.dumps(ask),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
