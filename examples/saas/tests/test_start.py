"""What the program wants before it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import PROJECT, SECRET

KEPT = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "PYTHONPATH", "TMPDIR")


def run(program: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env={**environment, "DATA_DIR": str(folder), **variables},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


CHECK = "import sys; sys.argv = ['waypost', 'check', '--no-types']; from waypost.cli.main import main; main()"


def test_production_does_not_start_without_a_secret(tmp_path: Path) -> None:
    for variables in ({}, {"STRIPE_WEBHOOK_SECRET": " ,"}, {"STRIPE_WEBHOOK_SECRET": f"{SECRET},short"}):
        done = run(CHECK, tmp_path, **variables)
        assert done.returncode == 1
        assert "STRIPE_WEBHOOK_SECRET" in done.stdout + done.stderr
        assert list(tmp_path.iterdir()) == []
    assert run(CHECK, tmp_path, STRIPE_WEBHOOK_SECRET=f"{SECRET}, {SECRET}2").returncode == 0


def test_development_makes_one_for_all_workers(tmp_path: Path) -> None:
    program = "from lib.settings import secrets_of; print(secrets_of('STRIPE_WEBHOOK_SECRET'))"
    found = {run(program, tmp_path, APP_ENV="development").stdout for _ in range(3)}
    assert len(found) == 1
    assert "development-" in found.pop()
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_many_workers_make_the_tables_once(servers: dict[str, str], tmp_path: Path) -> None:
    program = "import asyncio; from lib.users import list_users; asyncio.run(list_users(1, 1))"
    environment = {**os.environ, **servers, "DATA_DIR": str(tmp_path)}
    starts = [
        subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, env=environment, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    assert [(start.communicate()[1], start.returncode) for start in starts] == [(b"", 0)] * 4
