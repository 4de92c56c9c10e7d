from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from waypost.cli.dev_log import log_to, print_request
from waypost.errors import StartupError


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(out: io.StringIO, tmp_path: Path) -> Iterator[logging.Logger]:
    logger = logging.getLogger("waypost")
    before = (logger.handlers[:], logger.propagate, logger.level)
    log_to(Console(file=out, width=200, highlight=False, markup=False), tmp_path)
    yield logger
    logger.handlers[:], logger.propagate = before[:2]
    logger.setLevel(before[2])


@pytest.mark.parametrize(
    ("seconds", "line"),
    [(0.00123, "GET     /a?b=1 200 in 1.2 ms\n"), (0.0123, "GET     /a?b=1 200 in 12 ms\n")],
)
def test_a_request_is_a_line(out: io.StringIO, seconds: float, line: str) -> None:
    print_request(Console(file=out, width=20), "GET", "/a?b=1", 200, seconds)
    assert out.getvalue() == line


def test_a_request_cannot_write_to_the_terminal(out: io.StringIO) -> None:
    print_request(Console(file=out), "GET", "/\x1b[2J\n", 404, 0)
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().count("\n") == 1


@pytest.mark.parametrize(("status", "code"), [(200, "32"), (304, "36"), (404, "33"), (500, "1;31")])
def test_the_status_has_its_colour(out: io.StringIO, monkeypatch: pytest.MonkeyPatch, status: int, code: str) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    print_request(Console(file=out, force_terminal=True, color_system="standard"), "GET", "/", status, 0)
    assert f"\x1b[{code}m{status}\x1b[0m" in out.getvalue()


def test_an_error_is_short(log: logging.Logger, out: io.StringIO) -> None:
    try:
        raise KeyError("id")
    except KeyError:
        log.exception("GET %s", "/[id]")
    assert out.getvalue().startswith("GET /[id]\n")
    assert "KeyError: 'id'" in out.getvalue()
    assert "Traceback" not in out.getvalue()


def test_a_mistake_in_a_file_is_reported(log: logging.Logger, out: io.StringIO, tmp_path: Path) -> None:
    file = tmp_path / "route.py"
    file.write_text("def get(): ...\n")
    log.error("GET %s: %s", "/x", StartupError("lower case", file=file, line=1, remedy="Write GET."))
    assert out.getvalue() == (
        f"GET /x: lower case\n{file}:1: lower case\n  1 | def get(): ...\n  Write GET.\n\n1 problem found\n"
    )


def test_nothing_goes_to_other_handlers(log: logging.Logger, out: io.StringIO) -> None:
    elsewhere = io.StringIO()
    handler = logging.StreamHandler(elsewhere)
    logging.getLogger().addHandler(handler)
    try:
        log.warning("hello %d", 1)
        log.debug("not shown")
    finally:
        logging.getLogger().removeHandler(handler)
    assert (out.getvalue(), elsewhere.getvalue()) == ("hello 1\n", "")
