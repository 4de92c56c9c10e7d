"""Dates in header fields, written and read.

Source: RFC 9110 section 5.6.7.
"""

from __future__ import annotations

import time
from datetime import UTC

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(seconds: float) -> str:
    """`Sun, 06 Nov 1994 08:49:37 GMT` of seconds since 1970."""
    return written_date(time.gmtime(seconds))


def written_date(moment: time.struct_time) -> str:
    """The same of a moment in UTC, in English whatever the locale."""
    year, month, day, hour, minute, second, weekday, _, _ = moment
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"


def parse_http_date(text: str | None) -> int | None:
    """Seconds since 1970; None for what is no date. The two old forms are read, too."""
    if not text or len(text) > 64:
        return None
    from email.utils import parsedate_to_datetime  # half a megabyte, for a header that few clients send

    try:
        moment = parsedate_to_datetime(text)
        # asctime names no zone and means UTC; without one it would be in the zone of this machine.
        return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None
