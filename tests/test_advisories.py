"""Each row of advisories.toml names tests that exist."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ROWS: list[dict[str, Any]] = tomllib.loads((ROOT / "tests" / "advisories.toml").read_text())["row"]
ADVISORY = re.compile(r"CVE-\d{4}-\d{4,5}|GHSA(-[23456789cfghjmpqrvwx]{4}){3}")


@cache
def functions_of(file: str) -> frozenset[str]:
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    names = (node.name for node in ast.parse(path.read_text()).body if hasattr(node, "name"))
    return frozenset(name for name in names if name.startswith("test_"))


def test_every_row_has_a_test_that_exists_or_a_reason() -> None:
    missing = []
    for row in ROWS:
        assert row["what"]
        assert ("tests" in row) != ("not_ours" in row), row["what"]
        assert len(row.get("not_ours", "because it is so")) > 15
        for test in row.get("tests", []):
            file, _, name = test.partition("::")
            if name not in functions_of(file):
                missing.append(test)
    assert missing == []


def test_every_advisory_stands_once() -> None:
    ids = [advisory for row in ROWS for advisory in row.get("ids", [])]
    assert len(ids) == len(set(ids)) >= 150
    assert sum(bool(ADVISORY.fullmatch(advisory)) for advisory in ids) > 140
