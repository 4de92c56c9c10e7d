from __future__ import annotations

from pathlib import Path

import pytest

from waypost.routing.source import Source

TEXT = """\
import os.path
from a import b as c, d
try:
    import fast
except ImportError:
    slow = None
else:
    both = 1
finally:
    last = 2
if os:
    def inside(): ...
for loop in []:
    pass
with open as f:
    held = 1
x, (y, *z) = 1, (2, 3)
first = second = 1
annotated: int = 5
counted = 0
counted += 1

@decorator
@other
async def decorated(request):
    local = 1

class Shape:
    attribute = 1

d = 5
"""


@pytest.fixture
def source(tmp_path: Path) -> Source:
    file = tmp_path / "route.py"
    file.write_text(TEXT)
    return Source(file)


@pytest.mark.parametrize(
    ("name", "line", "kind"),
    [
        ("os", 1, "import"),
        ("c", 2, "import"),
        ("fast", 4, "import"),
        ("slow", 6, "assignment"),
        ("both", 8, "assignment"),
        ("last", 10, "assignment"),
        ("inside", 12, "def"),
        ("loop", 13, "assignment"),
        ("held", 16, "assignment"),
        ("x", 17, "assignment"),
        ("y", 17, "assignment"),
        ("z", 17, "assignment"),
        ("second", 18, "assignment"),
        ("annotated", 19, "assignment"),
        ("counted", 21, "assignment"),
        ("decorated", 25, "def"),
        ("Shape", 28, "class"),
        ("d", 31, "assignment"),
    ],
)
def test_bindings(source: Source, name: str, line: int, kind: str) -> None:
    found = source.binding(name)

    assert found is not None
    assert (found.line, found.kind) == (line, kind)
    assert source.line(name) == line
    assert source.defines(name) is (kind != "import")


@pytest.mark.parametrize("name", ["b", "local", "attribute", "path", "missing", "request"])
def test_names_that_the_module_does_not_bind(source: Source, name: str) -> None:
    assert source.binding(name) is None
    assert source.line(name) is None
    assert not source.defines(name)


def test_a_file_that_is_gone_or_broken_has_no_lines(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def GET(:\n")

    assert Source(tmp_path / "gone.py").line("GET") is None
    assert Source(broken).line("GET") is None


def test_the_encoding_line_counts(tmp_path: Path) -> None:
    file = tmp_path / "route.py"
    file.write_bytes("# -*- coding: latin-1 -*-\nGET = 'é'\n".encode("latin-1"))

    assert Source(file).line("GET") == 2
