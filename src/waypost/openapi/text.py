"""A document → its text as a file: the same text for the same document, and a newline at its end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def document_text(document: Mapping[str, Any]) -> str:
    """JSON with an indent of two, so that a committed file is read and compared line by line."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
