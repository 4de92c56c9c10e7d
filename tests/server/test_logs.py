"""Log lines: whole, one for a message, with nothing of a client's that could start another."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from waypost.http.request import Request
from waypost.server.logs import AccessLog, WholeLines


def _logger(handler: logging.Handler) -> logging.Logger:
    logger = logging.Logger("waypost.test")
    logger.addHandler(handler)
    return logger


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT)


def test_a_message_is_one_line(tmp_path: Path) -> None:
    file = _opened(tmp_path / "log")
    logger = _logger(WholeLines("text", file))
    logger.info("path %s", "/a\r\nERROR forged\x1b[31m\x85")
    text = (tmp_path / "log").read_text()
    assert text.count("\n") == 1 and "\x1b" not in text and "\r" not in text
    assert "INFO" in text and "waypost.test: path /a\\x0d\\x0aERROR forged" in text
    os.close(file)


def test_json_lines(tmp_path: Path) -> None:
    file = _opened(tmp_path / "log")
    logger = _logger(WholeLines("json", file))
    try:
        raise ValueError("ü\n")
    except ValueError:
        logger.exception("failed\n%s", "x")
    (line,) = (tmp_path / "log").read_text().splitlines()
    told = json.loads(line)
    assert told["message"] == "failed\nx" and told["level"] == "error"
    assert "ValueError: ü" in told["exception"]
    os.close(file)


def test_a_traceback_follows_its_line(tmp_path: Path) -> None:
    file = _opened(tmp_path / "log")
    logger = _logger(WholeLines("text", file))
    try:
        raise ValueError("no")
    except ValueError:
        logger.exception("failed")
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[0].endswith("failed") and lines[1].startswith("Traceback") and lines[-1] == "ValueError: no"
    os.close(file)


@pytest.mark.parametrize("shape", ["text", "json"])
def test_access_lines_are_batched_at_line_ends(shape: str) -> None:
    reading, writing = os.pipe()
    log = AccessLog(shape, writing)
    request = Request("http://a/p%20q?x=1", headers={"host": "a"})
    for _ in range(100):
        log.log(request, 200, 12, 0.0015, False)
    first = os.read(reading, 65536)
    assert first.endswith(b"\n") and len(first) % 4096 != 0
    log.flush()
    lines = (first + os.read(reading, 65536)).decode().splitlines()
    assert len(lines) == 100
    if shape == "json":
        told = json.loads(lines[0])
        assert (told["target"], told["status"], told["bytes"], told["ms"]) == ("/p%20q?x=1", 200, 12, 1.5)
    else:
        assert lines[0].endswith(" - GET /p%20q?x=1 200 12 1.5ms -")
    log.log(request, 200, 12, 0.0015, True)
    log.flush()
    line = os.read(reading, 65536).decode()
    assert json.loads(line)["cut"] is True if shape == "json" else line.endswith(" 1.5ms - cut\n")
    os.close(reading)
    log.log(request, 200, 12, 0.0, False)
    log.flush()  # nobody reads any more
    os.close(writing)
