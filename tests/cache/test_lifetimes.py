from __future__ import annotations

from typing import Any

import pytest

from waypost.cache.entry import NEVER
from waypost.cache.lifetimes import PROFILES, YEAR, Lifetime, Profile, lifetime_of, profile_of
from waypost.errors import CacheUsageError


def test_the_profiles_are_those_of_next() -> None:
    day = 86_400
    assert {name: (p.stale, p.revalidate, p.expire) for name, p in PROFILES.items()} == {
        "default": (300, 900, NEVER),
        "seconds": (30, 1, 60),
        "minutes": (300, 60, 3600),
        "hours": (300, 3600, day),
        "days": (300, day, 7 * day),
        "weeks": (300, 7 * day, 30 * day),
        "max": (300, 30 * day, 365 * day),
    }


def test_a_profile_by_name_or_by_numbers() -> None:
    assert profile_of("hours", "f()") is PROFILES["hours"]
    assert profile_of({"expire": 0}, "f()") == Profile(300, 900, 0)
    assert profile_of({"stale": 1, "revalidate": 2, "expire": 3}, "f()") == Profile(1, 2, 3)
    assert profile_of({"revalidate": 60}, "f()").lifetime == Lifetime(60, NEVER)


@pytest.mark.parametrize(
    "wrong",
    ["maximum", "Max", "", {}, {"expires": 1}, {"expire": -1}, {"expire": "1"}, {"expire": True}, {"expire": None}, 5,
     None, {"revalidate": 60, "expire": 30}, {"expire": float("nan")}],
)  # fmt: skip
def test_an_unknown_profile_is_an_error_that_names_the_call(wrong: Any) -> None:
    with pytest.raises(CacheUsageError, match=r"^f\(\)"):
        profile_of(wrong, "f()")


def test_revalidate_as_seconds_or_for_good() -> None:
    assert lifetime_of(None, "x") == lifetime_of(False, "x") == Lifetime(NEVER, NEVER)
    assert lifetime_of(1.5, "x") == Lifetime(1.5, NEVER)
    for wrong in ("60", -1, True, [1]):
        with pytest.raises(CacheUsageError):
            lifetime_of(wrong, "x")


def test_what_is_made_of_two_lasts_as_long_as_the_shorter() -> None:
    assert Lifetime(60, YEAR).shortened(Lifetime(NEVER, 30)) == Lifetime(60, 30)
