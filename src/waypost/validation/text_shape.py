"""What text can stand for: a query, a form and a header have names and texts, and nothing that holds names itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

import msgspec

from waypost.validation.annotations import bare, is_many, object_fields, without_none


def takes_text(annotation: Any, *, many: bool) -> bool:
    """Whether some text may be a value of an annotation that msgspec reads; with `many`, or a list of texts."""
    return any(_takes_text(bare(member), many) for member in without_none(annotation))


def _takes_text(kind: Any, many: bool) -> bool:
    if is_many(kind):
        return many and all(takes_text(item, many=False) for item in get_args(kind) if item is not Ellipsis)
    owner = get_origin(kind) or kind
    if not isinstance(owner, type):
        return True
    return object_fields(kind) is None and not issubclass(owner, Mapping | msgspec.Struct | tuple)
