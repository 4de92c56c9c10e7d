"""A headless Chromium, driven through Node, that opens pages and runs fetch() in them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import npm

HERE = Path(__file__).parent
NAMES = ("chromium", "chromium-browser", "google-chrome")


class MissingBrowser(Exception):
    """What is needed to drive a browser is not there, and how to get it."""


@dataclass(frozen=True)
class Visit:
    """What a page reported. results: one for each request. wire: (method, URL) of all that the browser sent."""

    origin: str
    results: list[dict[str, Any]]
    wire: list[tuple[str, str]]

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.wire]


class Chromium:
    """One browser; each visit has cookies and caches of its own."""

    def __init__(self) -> None:
        browser, node = find_browser(), find_node()
        install_driver()
        self._process = subprocess.Popen(
            [node, "pages.mjs", browser],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def visit(
        self,
        page: str,
        *requests: tuple[str, dict[str, Any]],
        read: Sequence[str] = (),
        frame: bool = False,
        permissions: Sequence[str] = (),
    ) -> Visit:
        """Open `page` and fetch() one after the other in it.

        requests: URL and init. read: response headers to report. frame: in the page's first frame.
        """
        question = {"page": page, "requests": requests, "read": read, "frame": frame, "permissions": permissions}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the browser ended"
        answer = json.loads(line)
        assert "failed" not in answer, answer["failed"]
        return Visit(answer["origin"], answer["results"], [(method, url) for method, url in answer["wire"]])

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def find_browser() -> str:
    given = os.environ.get("CHROMIUM")
    found = given or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise MissingBrowser("there is no Chromium: apt-get install chromium, or set CHROMIUM to the path of one")
    return found


def find_node() -> str:
    node = shutil.which("node")
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout if node else ""
    major = text.strip().removeprefix("v").partition(".")[0]
    if node is None or not major.isdigit() or int(major) < 20:
        raise MissingBrowser(f"Node.js 20 or newer is needed to drive the browser, found {text.strip() or 'none'}")
    return node


def install_driver() -> None:
    try:
        npm.install(HERE)
    except npm.MissingPackages as missing:
        raise MissingBrowser(str(missing)) from missing
