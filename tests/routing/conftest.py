"""Directory trees for the tests of routing: the samples beside this file, and trees written on the fly."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from waypost.errors import StartupError
from waypost.routing.load import LoadedRoute, load_routes
from waypost.routing.options import SegmentOptions
from waypost.routing.route_file import RouteFile
from waypost.routing.scan import scan


@pytest.fixture
def cpu_seconds() -> Callable[[Callable[[], object]], float]:
    """A function that says what a call costs at best, in seconds of this process; other processes don't count."""
    if sys.gettrace() is not None:
        pytest.skip("a tracer (coverage, debugger) slows every line: run without it to check the time")

    def measure(call: Callable[[], object]) -> float:
        times: list[float] = []
        for _ in range(5):
            start = time.process_time()
            call()
            times.append(time.process_time() - start)
        return min(times)

    return measure


@pytest.fixture
def write_tree(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """A function that writes files (path below the project → text) and gives the project's `app` folder."""

    def write(files: Mapping[str, str], root: Path = tmp_path) -> Path:
        for name, text in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return root / "app"

    return write


@pytest.fixture
def describe() -> Callable[[Path], str]:
    """What scan and load say of a project, in the form of the samples' expected.txt."""
    return _describe


def _describe(root: Path) -> str:
    app_dir = root / "app"
    found = scan(app_dir)
    report = load_routes([file for file in found.routes if file.file not in found.broken], app_dir)
    loaded = {each.file.file: each for each in report.routes}
    lines = ["routes", *("  " + _route(file, loaded.get(file.file), root) for file in found.routes)]
    if found.middleware:
        lines += ["middleware", *(f"  {each.pattern} {_path(each.file, root)}" for each in found.middleware)]
    lines += _reports("errors", [*found.errors, *report.errors], root)
    lines += _reports("warnings", [*found.warnings, *report.warnings], root)
    return "\n".join(lines) + "\n"


def _route(file: RouteFile, loaded: LoadedRoute | None, root: Path) -> str:
    words = [file.pattern, file.kind, _path(file.file, root)]
    if loaded is None:
        return " ".join([*words, "broken"])
    words += loaded.handlers
    defaults = SegmentOptions()
    for name in SegmentOptions.__slots__:
        value = getattr(loaded.options, name)
        # 0 and False are different answers to `revalidate`.
        if repr(value) != repr(getattr(defaults, name)):
            words.append(f"{name}={value!r}")
    if loaded.generate_static_params is not None:
        words.append("generate_static_params")
    if file.middleware:
        words.append("behind " + " ".join(_path(each, root) for each in file.middleware))
    return " ".join(words)


def _path(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()


def _reports(title: str, reports: list[StartupError], root: Path) -> list[str]:
    lines = [title] if reports else []
    for report in reports:
        text = str(report).replace(f"{root}/", "").replace(str(root), "PROJECT")
        lines += ["  " + line for line in text.split("\n")]
    return lines
