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
from tests import npm

CLIENT = Path(__file__).parent / "client"
INSTALLED = CLIENT / "node_modules"
VERSIONS = ("6", "7")


@functools.cache
def node() -> str:
    """A Node.js to run the clients with. Skips the test, with what is missing, where there is none."""
    system = shutil.which("node")
    if system is None:
        pytest.skip("Node.js is not installed: the AI SDK's clients need it (apt-get install nodejs npm)")
    try:
        npm.install(CLIENT)
    except npm.MissingPackages as missing:
        pytest.skip(str(missing))
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
