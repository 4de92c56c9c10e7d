"""schemathesis against a server: what it makes up from a document, and every check that it has.

The same by hand, for longer: `python -m tests.openapi.hypothetical http://localhost:3000/openapi.json 1000`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def run(url: str, examples: int, folder: Path, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run all checks and phases with `examples` for each operation. folder: where it may leave files."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", url, "--checks", "all", "--seed", "7",
        "--max-examples", str(examples), "--generation-database", "none", *options,
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        command,
        cwd=folder,
        env={**environment, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    done = run(sys.argv[1], int(sys.argv[2]), Path.cwd(), sys.argv[3:])
    print(done.stdout, done.stderr, sep="\n")
    sys.exit(done.returncode)
