"""Typed clients of an application, written from its OpenAPI document: TypeScript and Python, one file each.

A generator takes the document and nothing else, and gives the same text for the same document.
"""

from __future__ import annotations

from waypost.clients.python import write_python
from waypost.clients.typescript import write_typescript

__all__ = ["write_python", "write_typescript"]
