from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.http.request_id import current_request_id
from waypost.testing import Client

FILES = {
    "app/route.py": "async def GET(): return {}\nasync def POST(): raise ValueError('x')\n",
}


def test_ids_come_with_the_access_log_and_differ(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str | None] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(current_request_id.get())

    with Client(make_application(tmp_path, FILES, access_log=True)) as client:
        ids = [client.get("/").headers.get("x-request-id") for _ in range(3)]
        assert len(set(ids)) == 3
        handler = Keep()
        logging.getLogger("waypost").addHandler(handler)
        try:
            failed = client.post("/")
        finally:
            logging.getLogger("waypost").removeHandler(handler)
        assert failed.headers.get("x-request-id") == failed.json()["id"]
        assert seen == [failed.json()["id"]]
        assert client.get("/nope").headers.has("x-request-id")


def test_without_an_access_log_there_are_none(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, FILES)) as client:
        assert not client.get("/").headers.has("x-request-id")


@pytest.mark.parametrize(
    ("sent", "trusted", "kept"),
    [
        ("abc-1", True, True),
        ("abc-1", False, False),
        ("a b", True, False),
        ("x" * 129, True, False),
        ("é", True, False),
    ],
)
def test_only_a_trusted_proxy_can_choose_the_id(tmp_path: Path, sent: str, trusted: bool, kept: bool) -> None:
    settings = {"trusted_proxies": ["127.0.0.1"]} if trusted else {}
    with Client(make_application(tmp_path, FILES, access_log=True, **settings)) as client:
        assert (client.get("/", headers={"x-request-id": sent}).headers.get("x-request-id") == sent) == kept
