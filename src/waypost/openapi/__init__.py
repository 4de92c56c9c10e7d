"""OpenAPI 3.1: the description of an application, made of its files, and what changed between two of them.

document = openapi_document(application.routes, application.config)
changes = breaking_changes(old, document)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from waypost.openapi.compare import Change, breaking_changes
    from waypost.openapi.document import openapi_document

__all__ = ["Change", "breaking_changes", "openapi_document"]


def __getattr__(name: str) -> Any:
    # A server that describes nothing loads none of it.
    if name == "openapi_document":
        from waypost.openapi.document import openapi_document

        return openapi_document
    if name in __all__:
        from waypost.openapi import compare

        return getattr(compare, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
