from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from waypost.http.date import http_date, parse_http_date

MOMENT = 784111777


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Kolkata"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if not hasattr(time, "tzset"):
        pytest.skip("this system does not change its zone")
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    assert os.environ.get("TZ") == before
    time.tzset()


@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_the_three_forms_of_a_date_are_one_moment_wherever_the_server_stands(zone: str, text: str) -> None:
    assert parse_http_date(text) == MOMENT
    assert http_date(MOMENT) == "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize("text", [None, "", "never", "Sun Nov", "Sun, 99 Nov 1994 08:49:37 GMT", "0" * 65])
def test_what_is_no_date_is_none(text: str | None) -> None:
    assert parse_http_date(text) is None
