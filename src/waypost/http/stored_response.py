"""A Response whose compressed forms are kept, because the same bytes are sent many times."""

from __future__ import annotations

from typing import Self

from waypost.http.headers import Headers
from waypost.http.response import Response


class StoredResponse(Response):
    """codings: content coding → compressed body, filled as clients ask; shared by all responses of the same body."""

    __slots__ = ("codings",)

    def __init__(self, body: bytes, status: int, codings: dict[str, bytes]) -> None:
        super().__init__(body, status)
        self.codings = codings

    def with_headers(self, headers: Headers | None) -> Self:
        """A response with these headers instead, over the same body and its compressed forms; None for none."""
        twin = super().with_headers(headers)
        twin.codings = self.codings
        return twin
