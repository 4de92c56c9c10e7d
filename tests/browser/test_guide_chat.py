"""The chat page of examples/guide in a browser: its session cookie, its stream, and text that stays text."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from dotenv import dotenv_values
from tests.browser import chromium

HERE = Path(__file__).parent
PROJECT = HERE.parents[1] / "examples" / "guide"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return int(response.status) == 200
    except OSError:
        return False


def test_a_person_signs_in_and_talks(tmp_path: Path) -> None:
    try:
        browser, node = chromium.find_browser(), chromium.find_node()
        chromium.install_driver()
    except chromium.MissingBrowser as missing:
        pytest.fail(str(missing))
    secrets = {name: value or "" for name, value in dotenv_values(PROJECT / ".env.test").items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WAYPOST_", "OPENAI_"))}
    base = f"http://localhost:{(port := free_port())}"
    server = subprocess.Popen(
        [sys.executable, "-m", "waypost.cli", "start", "--port", str(port)],
        cwd=PROJECT, env={**kept, **secrets, "DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not answers(f"{base}/api/health"):
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        done = subprocess.run(
            [node, "chat.mjs", browser, f"{base}/chat", secrets["DEMO_PASSWORD"], "<b>Hello</b> there"],
            cwd=HERE, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout) == {"refused": "Wrong address or password", "bold": 0, "problems": []}
    finally:
        server.terminate()
        server.wait(20)
