"""Dates in header fields, written and read.

Source: RFC 9110 section 5.6.7.
"""

from __future__ import annotations

import time

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(seconds: float) -> str:
    """`Sun, 06 Nov 1994 08:49:37 GMT` of seconds since 1970, in English whatever the locale."""
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(seconds)
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year} {hour:02}:{minute:02}:{second:02} GMT"


def parse_http_date(text: str | None) -> int | None:
    """Seconds since 1970; None for what is no date. The two old forms are read, too."""
    if not text or len(text) > 64:
        return None
    from email.utils import parsedate_to_datetime  # half a megabyte, for a header that few clients send

    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None
