"""The recorded answers of Next.js 16 that depend on routing alone, against the port of the reference application."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from waypost.routing.scan import scan
from waypost.routing.table import RouteTable

CONFORMANCE = Path(__file__).parent.parent / "conformance"
APP = CONFORMANCE / "app/app"


def steps() -> list[Any]:
    found = []
    for area in ("routing", "params", "methods"):
        for case in json.loads((CONFORMANCE / f"cases/{area}.json").read_text(encoding="utf-8")):
            if not case.get("quirk"):
                found += [pytest.param(step, id=f"{case['id']}-{at}") for at, step in enumerate(case["steps"])]
    return found


@pytest.fixture(scope="module")
def table() -> RouteTable[str]:
    found = scan(APP)
    assert found.errors == ()
    return RouteTable.build(((file, file.pattern) for file in found.routes), public=[("/x/shadow", "public/x/shadow")])


@pytest.mark.parametrize("step", steps())
def test_recorded_answer(table: RouteTable[str], step: dict[str, Any]) -> None:
    path, _, query = step["path"].partition("?")
    expected = step["expect"]
    canonical = table.redirect(path)
    if expected["status"] == 308:
        assert canonical is not None
        assert (f"{canonical}?{query}" if query else canonical) == expected["headers"]["location"]
        return
    assert canonical is None
    found = table.match(path)
    if expected["status"] == 404:
        assert found is None
        return
    assert found is not None
    answer = expected.get("json", {})
    if "route" in answer:
        route = answer["route"].replace("%5F", "_").replace("(group)/", "").replace("(inner)/", "")
        assert found[0].endswith("/" + route)
    if answer.get("params"):
        assert found[1] == answer["params"]
    if expected.get("text") == "public wins?\n":
        assert found[0] == "public/x/shadow"


def test_the_file_that_public_hides_is_there() -> None:
    assert "/x/shadow" in [file.pattern for file in scan(APP).routes]
