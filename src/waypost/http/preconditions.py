"""Conditional requests: what If-Match, If-None-Match, If-Range and the dates mean for one representation.

Source: RFC 9110 sections 8.8 and 13.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from waypost.http.date import http_date, parse_http_date
from waypost.http.headers import Headers


@dataclass(frozen=True, slots=True)
class Validators:
    """etag: in its quotes, None for none. modified: whole seconds since 1970, None when it is not known."""

    etag: str | None
    modified: int | None

    def fields(self) -> dict[str, str]:
        """The headers that tell a client."""
        fields: dict[str, str] = {}
        if self.etag is not None:
            fields["etag"] = self.etag
        if self.modified is not None:
            fields["last-modified"] = http_date(self.modified)
        return fields

    def precondition(self, headers: Headers) -> int | None:
        """304 or 412 when a precondition of a GET or HEAD decides so, in the order of RFC 9110 section 13.2.2."""
        if (match := headers.get("if-match")) is not None:
            if not self._named_in(match, weak=False):
                return 412
        elif self._is_later_than(headers.get("if-unmodified-since")) is True:
            return 412
        if (none_match := headers.get("if-none-match")) is not None:
            return 304 if self._named_in(none_match, weak=True) else None
        return 304 if self._is_later_than(headers.get("if-modified-since")) is False else None

    def _is_later_than(self, date: str | None) -> bool | None:
        since = parse_http_date(date)
        return None if since is None or self.modified is None else self.modified > since

    def _named_in(self, header: str, *, weak: bool) -> bool:
        """Whether If-Match or If-None-Match names this. weak: W/ tags count too (RFC 9110 section 8.8.3.2)."""
        if header.strip() == "*":
            return True
        if self.etag is None or (self.etag.startswith("W/") and not weak):
            return False
        tags = (tag.strip() for tag in header.split(","))
        return any(tag.removeprefix("W/") == self.etag.removeprefix("W/") for tag in tags if weak or tag[:2] != "W/")

    def range_applies(self, headers: Headers) -> bool:
        """Whether a Range header counts: If-Range is absent, or names just this representation."""
        condition = headers.get("if-range")
        if condition is None:
            return True
        condition = condition.strip()
        if condition.startswith(('"', "W/")):
            return condition == self.etag and not condition.startswith("W/")
        # A second is too coarse to tell two states of a file that is being written apart (section 8.8.2.2).
        return self.modified is not None and parse_http_date(condition) == self.modified <= time.time() - 1
