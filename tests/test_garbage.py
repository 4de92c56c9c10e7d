"""What serves changes how often the garbage collector looks, unless the program has."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from waypost.garbage import settle


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_the_young_are_looked_at_less_often_and_the_old_as_before() -> None:
    young, *older = gc.get_threshold()
    settle()
    now, *older_now = gc.get_threshold()
    assert now > young
    assert older_now == older
    assert gc.get_freeze_count() > 1000


def test_what_the_program_has_set_stays() -> None:
    gc.set_threshold(1234, 5, 6)
    settle()
    assert gc.get_threshold() == (1234, 5, 6)
