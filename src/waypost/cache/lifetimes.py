"""How long something is good: lifetimes, and the profiles of cache_life() and revalidate_tag() by name and number.

Source: Next.js, cacheLife.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from waypost.cache.entry import NEVER
from waypost.errors import CacheUsageError

YEAR: Final = 31_536_000  # seconds; what "for good" is on the wire, as in Next.js
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


class Lifetime(NamedTuple):
    """Seconds from the fill after which an entry is stale, and after which it is not served; NEVER is never."""

    revalidate: float = NEVER
    expire: float = NEVER

    def shortened(self, other: Lifetime) -> Lifetime:
        """What is left of both for something that was made of both."""
        return Lifetime(min(self.revalidate, other.revalidate), min(self.expire, other.expire))


class Profile(msgspec.Struct, frozen=True):
    """stale: seconds that a client may keep it without asking; revalidate: after these it is made anew behind the
    stale copy; expire: after these without a visit it is made anew before the answer. NEVER is never.
    """

    stale: float
    revalidate: float
    expire: float

    @property
    def lifetime(self) -> Lifetime:
        """What a server keeps to."""
        return Lifetime(self.revalidate, self.expire)


PROFILES: Final[Mapping[str, Profile]] = {
    "default": Profile(5 * _MINUTE, 15 * _MINUTE, NEVER),
    "seconds": Profile(30, 1, _MINUTE),
    "minutes": Profile(5 * _MINUTE, _MINUTE, _HOUR),
    "hours": Profile(5 * _MINUTE, _HOUR, _DAY),
    "days": Profile(5 * _MINUTE, _DAY, 7 * _DAY),
    "weeks": Profile(5 * _MINUTE, 7 * _DAY, 30 * _DAY),
    "max": Profile(5 * _MINUTE, 30 * _DAY, YEAR),
}
_FIELDS: Final = ("stale", "revalidate", "expire")


def profile_of(value: str | Mapping[str, Any], function: str) -> Profile:
    """The profile of this name, or of `{"stale": …, "revalidate": …, "expire": …}` in seconds.

    What a mapping leaves out is as in "default". function: the caller's name, for the error.
    Raises CacheUsageError for an unknown name or field, and for a number that is none.
    """
    if isinstance(value, str):
        if value in PROFILES:
            return PROFILES[value]
        raise CacheUsageError(f"{function}: there is no profile {value!r}: it is one of {', '.join(PROFILES)}")
    if not isinstance(value, Mapping):
        raise CacheUsageError(f"{function}: a profile is a name or a dict, not {type(value).__name__}")
    unknown = [key for key in value if key not in _FIELDS]
    if unknown or not value:
        raise CacheUsageError(f"{function}: a profile has stale, revalidate and expire, not {unknown or 'nothing'}")
    for key, number in value.items():
        seconds(number, f"{function}: {key}")
    filled = {name: float(value.get(name, getattr(PROFILES["default"], name))) for name in _FIELDS}
    if "revalidate" in value and filled["expire"] < filled["revalidate"]:
        raise CacheUsageError(f"{function}: expire must not be shorter than revalidate")
    return Profile(**filled)


def seconds(value: object, what: str) -> float:
    """A number of seconds, 0 or more. Raises CacheUsageError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    raise CacheUsageError(f"{what} must be a number of seconds, not {value!r}")


def lifetime_of(revalidate: object, what: str) -> Lifetime:
    """The lifetime of `revalidate=`: seconds, or None and False for "until it is revalidated by hand"."""
    if revalidate is None or revalidate is False:
        return Lifetime()
    return Lifetime(seconds(revalidate, what), NEVER)
