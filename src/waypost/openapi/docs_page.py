"""The page that shows a document and sends requests: one HTML text without anything from elsewhere.

Its style and script stand in it, and the policy that goes with it allows these two and requests to its own server.
"""

from __future__ import annotations

import base64
import hashlib
import html
from importlib.resources import files


def docs_page(document_url: str, base_path: str) -> tuple[str, str]:
    """The page that reads the document at `document_url`, and its Content-Security-Policy."""
    page, css, js = (
        files("waypost.openapi").joinpath(name).read_text(encoding="utf-8")
        for name in ("docs.html", "docs.css", "docs.js")
    )
    for mark, text in (
        ("{{document}}", html.escape(document_url)),
        ("{{base}}", html.escape(base_path)),
        ("{{css}}", css),
        ("{{js}}", js),
    ):
        page = page.replace(mark, text)
    policy = (
        f"default-src 'none'; style-src '{_digest(css)}'; script-src '{_digest(js)}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page, policy


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
