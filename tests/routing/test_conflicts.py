"""Which files are in each other's way; the messages stand in the sample conflicts."""

from __future__ import annotations

from pathlib import Path

import pytest

from waypost.routing.conflicts import find_conflicts
from waypost.routing.pattern import parse_segment, render_pattern
from waypost.routing.route_file import RouteFile


def route(folders: str) -> RouteFile:
    segments = tuple(parse_segment(folder) for folder in folders.split("/") if folder)
    kept = tuple(segment for segment in segments if segment.kind != "group")
    return RouteFile(render_pattern(kept), Path("/project/app", folders.strip("/"), "route.py"), "route", kept)


@pytest.mark.parametrize(
    "paths",
    [
        ["/", "/[id]", "/[...rest]"],
        ["/x/[id]", "/x/[...id]"],
        ["/x/[id]", "/x/[[...rest]]"],
        ["/x/[id]/a", "/x/[id]/b", "/y/[other]"],
        ["/x/[a]/[b]", "/x/[a]/b"],
        ["/x/[...all]", "/x"],
        ["/x/[[...all]]", "/x/y"],
        ["/x", "/%5Bx%5D", "/[x]", "/X"],
        ["/(a)/x", "/(b)/y"],
    ],
)
def test_no_conflict(paths: list[str]) -> None:
    assert find_conflicts([route(path) for path in paths]) == []


@pytest.mark.parametrize(
    "paths",
    [
        ["/(a)/x", "/x"],
        ["/", "/(a)"],
        ["/a/%62", "/a/b"],
        ["/caf\u00e9", "/cafe\u0301"],
        ["/x/[a]", "/x/[b]"],
        ["/x/[a]/y", "/x/[b]/z/[c]"],
        ["/(one)/[a]/y", "/(two)/[b]"],
        ["/x/[...a]", "/x/[...b]"],
        ["/x/[...a]", "/x/[[...a]]"],
        ["/x", "/x/[[...a]]"],
        ["/", "/[[...a]]"],
        ["/(g)", "/[[...a]]"],
    ],
)
def test_one_conflict_that_names_both_files(paths: list[str]) -> None:
    files = [route(path) for path in paths]
    conflicts = find_conflicts(files)

    assert len(conflicts) == 1
    assert set(conflicts[0].files) == set(files)
    assert conflicts[0].error.file == conflicts[0].files[0].file
    assert all(str(file.file) in conflicts[0].error.message for file in files)
    assert conflicts[0].error.remedy


def test_three_files_are_one_report() -> None:
    conflicts = find_conflicts([route("/(a)/x"), route("/(b)/x"), route("/(c)/x")], Path("/project"))

    assert len(conflicts) == 1
    assert "app/(a)/x/route.py, app/(b)/x/route.py and app/(c)/x/route.py" in conflicts[0].error.message


def test_names_at_two_places_are_two_reports() -> None:
    conflicts = find_conflicts([route("/[a]/[b]"), route("/[c]/[d]")])

    assert [conflict.error.message.partition(" stand")[0] for conflict in conflicts] == ["[a] and [c]", "[b] and [d]"]
