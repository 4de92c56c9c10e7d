from __future__ import annotations

import pytest

from waypost.http.vary import add_vary


@pytest.mark.parametrize(
    ("lines", "added", "vary"),
    [
        ([], ["Origin", "Accept"], "Origin, Accept"),
        (["accept"], ["Accept"], "accept"),
        (["X-Accept-Encoding"], ["Accept-Encoding"], "X-Accept-Encoding, Accept-Encoding"),
        (["*"], ["Origin"], "*"),
        (["Accept", "*, Cookie"], ["Origin"], "*"),
        (["Accept, ", "Origin,accept"], ["Cookie"], "Accept, Origin, Cookie"),
    ],
)
def test_names_are_added_once_and_a_star_covers_them(lines: list[str], added: list[str], vary: str) -> None:
    fields = [(b"a", b"1"), *((b"vary", line.encode()) for line in lines), (b"b", b"2")]
    add_vary(fields, *(name.encode() for name in added))
    assert [value.decode() for name, value in fields if name == b"vary"] == [vary]
    assert [name for name, _ in fields if name != b"vary"] == [b"a", b"b"]
