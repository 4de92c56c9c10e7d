"""Any sender that puts an HMAC of the body into a header: which header, which digest, spelled how.

Source: RFC 2104.
"""

from __future__ import annotations

import base64
from typing import Literal

from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.webhooks.signature import (
    TOLERANCE,
    InvalidSignature,
    Secret,
    check_time,
    check_tolerance,
    digest,
    one_header,
    read_secrets,
    require_match,
)

_ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")
_ENCODINGS = ("hex", "base64")


class Verifier:
    """Checks an HMAC over the raw body.

    header: where the signature stands. prefix: what stands before it there, "sha256=". encoding: "hex" (in lower case)
    or "base64". timestamp_header: a header with seconds that is signed too, before the body and divided by a dot; its
    tolerance holds in both directions. Without one a request can be sent again for ever.
    Raises StartupError for settings that can't be.
    """

    __slots__ = ("_algorithm", "_encoding", "_header", "_keys", "_prefix", "_time_header", "_tolerance")

    def __init__(
        self,
        secret: Secret,
        *,
        header: str,
        prefix: str = "",
        algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256",
        encoding: Literal["hex", "base64"] = "hex",
        timestamp_header: str | None = None,
        tolerance: float = TOLERANCE,
    ) -> None:
        for name, value, known in (("algorithm", algorithm, _ALGORITHMS), ("encoding", encoding, _ENCODINGS)):
            if value not in known:
                raise StartupError(f"{name}={value!r} is not known", remedy=f"Use one of {', '.join(known)}.")
        self._keys = read_secrets(secret)
        self._header = header
        self._prefix = prefix
        self._algorithm = algorithm
        self._encoding = encoding
        self._time_header = timestamp_header
        self._tolerance = check_tolerance(tolerance)

    async def __call__(self, request: Request) -> bytes:
        """The body, if it is signed. Raises InvalidSignature (400), BodyTooLarge (413)."""
        given = one_header(request, self._header)
        if not given.startswith(self._prefix):
            raise InvalidSignature(f"{self._header} must begin with {self._prefix}")
        stamp = None
        if self._time_header is not None:
            stamp = one_header(request, self._time_header)
            check_time(stamp, self._tolerance)
        body = await request.bytes()
        expected = [self._spell(key, body, stamp) for key in self._keys]
        require_match(expected, [given.removeprefix(self._prefix)])
        return body

    def sign(self, body: bytes, *, timestamp: int | None = None) -> str:
        """The header's value for `body`, by the first secret; for tests, and for those who send."""
        stamp = None if timestamp is None else str(timestamp)
        return self._prefix + self._spell(self._keys[0], body, stamp).decode("ascii")

    def _spell(self, key: bytes, body: bytes, stamp: str | None) -> bytes:
        before = () if stamp is None else (stamp.encode("ascii"), b".")
        mac = digest(key, *before, body, algorithm=self._algorithm)
        return mac.hex().encode("ascii") if self._encoding == "hex" else base64.b64encode(mac)


async def verify(
    request: Request,
    *,
    secret: Secret,
    header: str,
    prefix: str = "",
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256",
    encoding: Literal["hex", "base64"] = "hex",
    timestamp_header: str | None = None,
    tolerance: float = TOLERANCE,
) -> bytes:
    """The body of a request whose HMAC is good; settings and errors as of Verifier."""
    verifier = Verifier(
        secret, header=header, prefix=prefix, algorithm=algorithm, encoding=encoding,
        timestamp_header=timestamp_header, tolerance=tolerance,
    )  # fmt: skip
    return await verifier(request)
