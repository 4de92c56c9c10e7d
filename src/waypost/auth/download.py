"""One small document over HTTP, from the address that was named and no other."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from typing import IO, Any


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        return None


def download(url: str, timeout: float, longest: int) -> bytes:
    """The body of a 200. timeout: seconds without a byte. Raises OSError, ValueError for more than `longest` bytes."""
    opener = urllib.request.build_opener(_NoRedirects)
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    answer: IO[bytes]
    try:
        with opener.open(request, timeout=timeout) as answer:
            data = answer.read(longest + 1)
    except urllib.error.HTTPError as error:
        error.close()  # it holds the connection
        raise OSError(f"the answer is {error.code}") from None
    except http.client.HTTPException as error:  # of its own kind, and no OSError
        raise OSError(f"the answer is no HTTP ({type(error).__name__})") from None
    if len(data) > longest:
        raise ValueError("the document is too large")
    return data
