"""`find` is `redirect` and `match` in one step: the same answer for every path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import InvalidPath
from waypost.routing.pattern import parse_segment
from waypost.routing.table import RouteTable

PATTERNS = ["a/[x]", "a/b/c", "[x]/b", "files/[...path]", "docs/[[...path]]", "a/[x]/c", "caf\u00e9/[x]"]
PIECES = [
    "/",
    "a",
    "b",
    "c",
    "files",
    "docs",
    ".",
    "..",
    "%61",
    "%2F",
    "%",
    "\\",
    "//",
    "\x00",
    "caf\u00e9",
    "%C3%A9",
    "~",
    "\x7f",
]


def _table(**options: bool | str) -> RouteTable[str]:
    routes = [(tuple(s for name in p.split("/") if (s := parse_segment(name))), p) for p in PATTERNS]
    return RouteTable(routes, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", [{}, {"trailing_slash": True}, {"base_path": "/a"}, {"skip_trailing_slash_redirect": True}]
)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: "/" + "".join(pieces)))
def test_the_same_answer(options: dict[str, bool | str], path: str) -> None:
    table = _table(**options)

    def both() -> object:
        return table.redirect(path) or table.match(path)

    try:
        expected = both()
    except InvalidPath:
        with pytest.raises(InvalidPath):
            table.find(path)
    else:
        assert table.find(path) == expected


def test_the_values_are_held_by_what_the_caller_wants() -> None:
    class Mine(dict[str, str | list[str]]):
        pass

    table = RouteTable([((parse_segment("[x]"),), "entry")], make_params=Mine)
    for path in ("/v", "/%76"):
        found = table.find(path)
        assert isinstance(found, tuple)
        assert type(found[1]) is Mine
        assert found == ("entry", {"x": "v"})
