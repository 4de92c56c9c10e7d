from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.running import write

from waypost.testing import Client


@pytest.mark.parametrize(
    ("method", "status"), [("PUT", 405), ("TRACE", 405), ("QUERY", 405), ("PROPFIND", 400), ("get", 400)]
)
def test_methods_that_a_route_does_not_export(tmp_path: Path, method: str, status: int) -> None:
    """405 for those of HTTP's own standards, 400 for what is no method of any resource."""
    write(tmp_path, {"app/route.py": "def GET(): ...\n"})
    with Client(tmp_path) as client:
        answer = client.request(method, "/")
    assert (answer.status, answer.headers["allow"]) == (status, "GET, HEAD, OPTIONS")
