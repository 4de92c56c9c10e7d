"""The document and its page as answers of the application that they describe.

`waypost dev` serves both unless the project answers their paths itself; production serves what its settings name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from waypost.app.application import Application
from waypost.app.context import RequestScope
from waypost.app.entry import RouteEntry
from waypost.cache.answers import conditional_later
from waypost.config import Config
from waypost.http.preconditions import Validators
from waypost.http.request import Request
from waypost.http.response import Response

_DOCUMENT: Final = "/openapi.json"
_DOCS: Final = "/docs"
_OFF: Final = "off"
_HERE: Final = Path(__file__).parent


def open_application(config: Config) -> Application:
    """The application of a project, with its description where the settings want one.

    Raises StartupErrors as Application does.
    """
    document, docs = served_paths(config)
    if document is None:
        return Application(config)
    made: list[Application] = []
    pages = [_page(document, _Answer(lambda: _document_answer(made[0])), "document.py")]
    if docs is not None:
        pages.append(
            _page(docs, _Answer(partial(_docs_answer, config.base_path + document, config.base_path)), "docs.html")
        )
    made.append(Application(config, own=pages))
    return made[0]


def served_paths(config: Config) -> tuple[str | None, str | None]:
    """Where the document and its page are answered, below the base path; None where they are not."""
    if config.openapi_path == _OFF:
        return None, None
    docs = None if config.docs_path == _OFF else config.docs_path or (_DOCS if config.dev else None)
    document = config.openapi_path or (_DOCUMENT if config.dev or docs is not None else None)
    return document, docs


def _page(path: str, answer: _Answer, file: str) -> tuple[str, RouteEntry]:
    return path, RouteEntry(path, _HERE / file, "own", {"GET": answer})


class _Answer:
    """A text that is made at the first request for it and the same ever after."""

    def __init__(self, make: Callable[[], Response]) -> None:
        self._make = make
        self._made: Response | None = None

    async def __call__(self, request: Request, scope: RequestScope) -> Response:
        made = self._made
        if made is None:
            made = self._made = self._make()
        if scope.wrapped:
            return conditional_later(made, request)
        etag = made.headers.get("etag")
        status = Validators(etag, None).precondition(request.headers)
        return made if status is None else Response(None, status, {"etag": etag or "", "cache-control": "no-cache"})


def _document_answer(application: Application) -> Response:
    from waypost.openapi.document import openapi_document
    from waypost.openapi.text import document_text

    text = document_text(openapi_document(application.routes, application.config))
    return Response(text, 200, {"content-type": "application/json", **_headers(text)})


def _docs_answer(document: str, base_path: str) -> Response:
    from waypost.openapi.docs_page import docs_page

    page, policy = docs_page(document, base_path)
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
    }
    return Response(page, 200, {**headers, **_headers(page)})


def _headers(text: str) -> dict[str, str]:
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    # Weak, because compression may change the bytes.
    return {"etag": f'W/"{digest}"', "cache-control": "no-cache"}
