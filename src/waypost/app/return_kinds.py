"""What stands in a return annotation: data with a schema, containers without fields, Responses, what says nothing."""

from __future__ import annotations

import types
from collections.abc import Awaitable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Never, NoReturn, TypeVar, Union, get_args, get_origin

from waypost.http.response import Response
from waypost.validation.annotations import bare, members

#: What says nothing of the data, alone or as an argument of dict and list.
_UNTOLD: Final = (Any, object, dict, list, tuple, Mapping, Never, NoReturn, None, type(None))
#: What no handler may return by itself, and what has no fields where a dict or a list holds it.
SCALARS: Final = (str, bytes, int, float, bool)
_CONTAINERS: Final = (dict, list, tuple, Mapping)
_WAITED: Final = (Awaitable, Coroutine)


@dataclass(slots=True)
class Members:
    """The members of a return annotation. made: what stands in `Response[…]`. plain: containers without fields."""

    told: list[Any] = field(default_factory=list)
    made: list[Any] = field(default_factory=list)
    plain: list[Any] = field(default_factory=list)
    untold: list[Any] = field(default_factory=list)
    nothing: list[Any] = field(default_factory=list)
    responses: bool = False


def members_of(annotation: Any) -> Members:
    """The members of a return annotation, by what they say."""
    found = Members()
    for member in _parts(_awaited(annotation)):
        kind = bare(member)
        if _is_response(member):
            found.responses = True
            found.made += [item for item in get_args(kind) if not _is_untold(item) and item not in SCALARS]
        elif _is_nothing(member):
            found.nothing.append(member)
        elif _is_untold(member) or kind in SCALARS:
            found.untold.append(kind)
        else:
            (found.plain if _is_plain(member) else found.told).append(member)
    return found


def _awaited(annotation: Any) -> Any:
    """What a plain function with `-> Awaitable[X]` gives in the end."""
    if get_origin(annotation) in _WAITED:
        return get_args(annotation)[-1]
    return annotation


def _parts(annotation: Any) -> tuple[Any, ...]:
    """The members of a union. One that says how its members are told apart stays whole, where all of it is data."""
    while type(annotation).__name__ == "TypeAliasType":
        annotation = annotation.__value__
    found = members(annotation)
    if len(found) == 1:
        return found
    if get_origin(annotation) is not Annotated:
        return tuple(part for item in get_args(bare(annotation)) for part in _parts(item))
    return found if any(_is_response(member) or _is_untold(member) for member in found) else (annotation,)


def _is_response(annotation: Any) -> bool:
    kind = bare(annotation)
    owner = get_origin(kind) or kind
    return isinstance(owner, type) and issubclass(owner, Response)


def _is_nothing(annotation: Any) -> bool:
    return annotation is None or annotation is type(None)


def _is_untold(annotation: Any) -> bool:
    """Whether it says nothing of the data. Of `dict[str, Any]` the keys say nothing."""
    kind = bare(annotation)
    origin = get_origin(kind)
    if isinstance(kind, TypeVar):
        return True
    if origin in (Union, types.UnionType):
        return all(_is_untold(item) for item in get_args(kind))
    if origin in (dict, Mapping):
        *keys, value = get_args(kind)
        return _is_untold(value) and all(key in SCALARS or _is_untold(key) for key in keys)
    if origin in (list, tuple):
        return all(item is Ellipsis or _is_untold(item) for item in get_args(kind))
    return origin is None and any(kind is item for item in _UNTOLD)


def _is_plain(annotation: Any) -> bool:
    """Whether it is a container, of containers, of what has no fields: text and numbers."""
    kind = bare(annotation)
    origin = get_origin(kind)
    return origin in _CONTAINERS and all(
        part is Ellipsis or bare(part) in SCALARS or _is_untold(part) or _is_plain(part)
        for item in get_args(kind)
        for part in members(item)
    )
