"""One Set-Cookie line: a Cookie with its attributes → the text of the header, every field checked before it is written.

Refuses what would break out of the line, and what browsers drop without a word (a nameless or oversized cookie,
SameSite=None without Secure, a broken __Host- promise). Knows no header list and no request.
Source: RFC 6265 section 4.1, RFC 6265bis; the order of the attributes is Next.js's.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Literal, TypedDict

import msgspec

from waypost.http.date import written_date
from waypost.http.percent import encode_component

Expires = datetime | int | float
SameSite = Literal["lax", "strict", "none"]
Priority = Literal["low", "medium", "high"]

MAX_PAIR = 4096  # bytes of name and value together; browsers drop a longer cookie (RFC 6265bis section 5.7)
MAX_ATTRIBUTE = 1024  # bytes of one attribute's value; browsers ignore a longer one

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # token, RFC 9110 section 5.6.2
_PATH = re.compile(r"/[!-+\--:<-~]*")  # printable ASCII but space, comma, semicolon
_DOMAIN = re.compile(r"\.?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253402300799  # 9999-12-31T23:59:59Z
_FIRST_SECOND = -11644473600  # 1601-01-01, the first year that RFC 6265 section 5.1.1 reads


class Cookie(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cookie. One that a client sent has name and value (decoded) only; the rest is for cookies to set.

    path: None leaves the attribute out. expires: an aware datetime, or seconds since 1970. max_age: seconds, more than
    0 also writes Expires, 0 removes the cookie at once. same_site: "lax", "strict" or "none"; True means strict, False
    and None leave it out. priority: "low", "medium" or "high" (Chromium).
    """

    name: str
    value: str
    path: str | None = None
    expires: datetime | int | float | None = None
    max_age: int | timedelta | None = None
    domain: str | None = None
    secure: bool = False
    http_only: bool = False
    same_site: Literal["lax", "strict", "none"] | bool | None = None
    partitioned: bool = False
    priority: Literal["low", "medium", "high"] | None = None


class CookieOptions(TypedDict, total=False):
    """The attributes of a cookie to set; see Cookie. `path` is "/" unless given."""

    path: str | None
    expires: Expires | None
    max_age: int | timedelta | None
    domain: str | None
    secure: bool
    http_only: bool
    same_site: SameSite | bool | None
    partitioned: bool
    priority: Priority | None


_OPTIONS = frozenset(CookieOptions.__annotations__)
_CAMEL = {"maxAge": "max_age", "httpOnly": "http_only", "sameSite": "same_site"}


def make_cookie(fields: dict[str, object]) -> Cookie:
    """A Cookie of `name`, `value` and options, path "/" by default; TypeError for a field that no cookie has."""
    for field in fields:
        if field not in _OPTIONS and field not in ("name", "value"):
            hint = f"; write {_CAMEL[field]}" if field in _CAMEL else ""
            raise TypeError(f"a cookie has no option {field!r}{hint}")
    if "name" not in fields or "value" not in fields:
        raise TypeError("a cookie needs a name and a value")
    return Cookie(**{"path": "/", **fields})  # type: ignore[arg-type]  # render_set_cookie checks every type


def check_name(name: object) -> str:
    """name, if a cookie can have it; TypeError or ValueError otherwise."""
    if not isinstance(name, str):
        raise TypeError(f"a cookie's name must be a str, not {type(name).__name__}")
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no cookie name: use letters, digits and - or _")
    return name


def encode_value(name: str, value: object) -> str:
    """value as it is sent, escaped as encodeURIComponent does; TypeError or ValueError when it can't be."""
    if not isinstance(value, str):
        raise TypeError(f"the value of cookie {name!r} must be a str, not {type(value).__name__}")
    encoded = encode_component(value)
    if len(name) + len(encoded) > MAX_PAIR:
        raise ValueError(f"cookie {name!r} is longer than {MAX_PAIR} bytes: browsers would drop it")
    return encoded


def render_set_cookie(cookie: Cookie) -> str:
    """The value of a Set-Cookie header; TypeError or ValueError, naming the field, for anything that can't be sent.

    Attributes in Next.js's order: Path, Expires, Max-Age, Domain, Secure, HttpOnly, SameSite, Partitioned, Priority.
    """
    name = check_name(cookie.name)
    for flag in ("secure", "http_only", "partitioned"):
        # The text "false" of a setting would count as true.
        if not isinstance(getattr(cookie, flag), bool):
            raise TypeError(f"a cookie's {flag} must be a bool, not {type(getattr(cookie, flag)).__name__}")
    parts = [f"{name}={encode_value(name, cookie.value)}"]
    if cookie.path is not None:
        parts.append(f"Path={_attribute('path', cookie.path, _PATH, 'begin with / and percent-encode the rest')}")
    seconds = None if cookie.max_age is None else _seconds(cookie.max_age)
    if seconds:
        parts.append(f"Expires={_date(min(int(time.time()) + seconds, _LAST_SECOND))}")
    elif cookie.expires is not None:
        parts.append(f"Expires={_date(_moment(cookie.expires))}")
    if seconds is not None:
        parts.append(f"Max-Age={seconds}")
    if cookie.domain is not None:
        parts.append(f"Domain={_attribute('domain', cookie.domain, _DOMAIN, 'a host name without scheme and port')}")
    if cookie.secure:
        parts.append("Secure")
    if cookie.http_only:
        parts.append("HttpOnly")
    same_site = "strict" if cookie.same_site is True else cookie.same_site
    if same_site is not None and same_site is not False:
        parts.append(f"SameSite={_choice('same_site', same_site, ('lax', 'strict', 'none'))}")
    if cookie.partitioned:
        parts.append("Partitioned")
    if cookie.priority is not None:
        parts.append(f"Priority={_choice('priority', cookie.priority, ('low', 'medium', 'high'))}")
    _check_promises(cookie, same_site)
    return "; ".join(parts)


def _check_promises(cookie: Cookie, same_site: object) -> None:
    """Refuse combinations that a browser drops without a word (RFC 6265bis sections 4.1.3 and 5.7)."""
    name = cookie.name.lower()
    if not cookie.secure:
        reason = ""
        if name.startswith(("__host-", "__secure-")):
            reason = "its prefix"
        elif isinstance(same_site, str) and same_site.lower() == "none":
            reason = 'same_site="none"'
        elif cookie.partitioned:
            reason = "partitioned"
        if reason:
            raise ValueError(f"cookie {cookie.name!r}: {reason} needs secure=True, browsers drop the cookie otherwise")
    if name.startswith("__host-") and (cookie.path != "/" or cookie.domain is not None):
        raise ValueError(f"cookie {cookie.name!r}: the prefix __Host- needs path='/' and no domain")


def _attribute(field: str, value: object, pattern: re.Pattern[str], rule: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a cookie's {field} must be a str, not {type(value).__name__}")
    # Without this check a `;` or line break in the value adds attributes, cookies or headers.
    if len(value) > MAX_ATTRIBUTE or pattern.fullmatch(value) is None:
        raise ValueError(f"{value[:100]!r} is no {field} of a cookie: {rule}")
    return value


def _choice(field: str, value: object, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a cookie's {field} must be a str, not {type(value).__name__}")
    if value.lower() not in choices:
        raise ValueError(f"{value[:100]!r} is no {field} of a cookie: use {', '.join(choices)}")
    return value


def _seconds(max_age: object) -> int:
    if isinstance(max_age, timedelta):
        max_age = int(max_age.total_seconds())
    if isinstance(max_age, bool) or not isinstance(max_age, int):
        raise TypeError(f"a cookie's max_age must be an int (seconds) or timedelta, not {type(max_age).__name__}")
    if max_age < 0:
        raise ValueError("a cookie's max_age can't be negative: 0 removes the cookie")
    return max_age


def _moment(expires: object) -> int:
    if isinstance(expires, datetime):
        if expires.utcoffset() is None:
            raise ValueError("a cookie's expires needs a time zone: datetime.now(UTC)")
        expires = expires.timestamp()
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise TypeError(f"a cookie's expires must be a datetime or seconds since 1970, not {type(expires).__name__}")
    if not _FIRST_SECOND <= expires <= _LAST_SECOND:  # also refuses NaN
        raise ValueError("a cookie's expires is out of range: give seconds since 1970, not milliseconds")
    return int(expires)


def _date(seconds: int) -> str:
    # Not time.gmtime: some systems know no second before 1970.
    return written_date((_EPOCH + timedelta(seconds=seconds)).timetuple())
