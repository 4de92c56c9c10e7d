"""The npm packages that tests drive, installed from their lock files."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path


class MissingPackages(Exception):
    """What is not there, and how to get it."""


def install(folder: Path) -> None:
    """`npm ci` in `folder`, unless what is installed is what its lock file says."""
    lock = (folder / "package-lock.json").read_text()
    stamp = folder / "node_modules" / ".installed"
    # Tests run in several processes: two installations at once would delete each other's files.
    with (folder / "package.json").open() as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_text() == lock:
            return
        npm = shutil.which("npm")
        if npm is None:
            raise MissingPackages("npm is not installed (apt-get install nodejs npm)")
        command = [npm, "ci", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise MissingPackages(f"`npm ci` in {folder.name}/ failed: {done.stderr.strip()[-300:]}")
        stamp.write_text(lock)
