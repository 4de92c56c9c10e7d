"""What stands in an annotation: its parts, its fields, whether it is a list. Calls neither msgspec nor pydantic."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence, Set
from typing import Annotated, Any, Final, NewType, Union, get_args, get_origin, get_type_hints, is_typeddict
from weakref import WeakKeyDictionary

import msgspec

_LISTS: Final = (list, tuple, set, frozenset, deque, Sequence, MutableSequence, Set, Iterable)
_QUALIFIERS: Final = tuple(
    getattr(typing, name)
    for name in ("Required", "NotRequired", "ReadOnly", "Final", "ClassVar")
    if hasattr(typing, name)
)


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectField:
    """A field of an object type.

    name: on the wire. others: further names that it is read by. attribute: in Python. many: it is a list or a set.
    default: None where there is none, or where it is made anew each time.
    """

    name: str
    annotation: Any
    required: bool
    attribute: str
    others: tuple[str, ...] = ()
    many: bool = False
    default: Any = None
    description: str = ""


def bare(annotation: Any) -> Any:
    """An annotation without Annotated, NewType, `type X = …`, Required and their kin."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated or origin in _QUALIFIERS:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return annotation


def members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, flat; of anything else, itself alone."""
    inner = bare(annotation)
    if get_origin(inner) in (Union, types.UnionType):
        return tuple(member for item in get_args(inner) for member in members(item))
    return (annotation,)


def is_optional(annotation: Any) -> bool:
    """Whether None is one of its members."""
    return any(member is type(None) or member is None for member in members(annotation))


def without_none(annotation: Any) -> tuple[Any, ...]:
    """The members of a union that are not None."""
    return tuple(member for member in members(annotation) if member is not type(None) and member is not None)


def is_many(annotation: Any) -> bool:
    """Whether a value of it is a list, a tuple or a set."""
    kinds = [bare(member) for member in without_none(annotation)]
    return bool(kinds) and all((get_origin(kind) or kind) in _LISTS for kind in kinds)


def item_of(annotation: Any) -> Any:
    """What a list, set or `tuple[X, ...]` holds; Any where it does not say, or says something else for each place."""
    kinds = [bare(member) for member in without_none(annotation)]
    args = get_args(kinds[0]) if len(kinds) == 1 else ()
    if len(args) == 1 or (len(args) == 2 and args[1] is Ellipsis):
        return args[0]
    return Any


def places_of(annotation: Any) -> tuple[Any, ...] | None:
    """The places of a `tuple[X, Y]`; None for everything else."""
    kinds = [bare(member) for member in without_none(annotation)]
    args = get_args(kinds[0]) if len(kinds) == 1 and get_origin(kinds[0]) is tuple else ()
    return args if args and Ellipsis not in args else None


def walk(annotation: Any) -> Iterator[Any]:
    """The annotation and everything in it: arguments, metadata, the annotations of the fields of its objects.

    Each class is opened once, however its fields refer to it.
    """
    opened: set[type] = set()
    todo = [annotation]
    while todo:
        item = todo.pop()
        yield item
        origin = get_origin(item)
        if isinstance(item, NewType):
            todo.append(item.__supertype__)
        elif type(item).__name__ == "TypeAliasType":
            todo.append(item.__value__)
        elif origin is Annotated:
            todo += [*get_args(item), *item.__metadata__]
        elif origin is typing.Literal:
            continue
        elif origin is not None:
            todo += [origin, *get_args(item)]
        elif isinstance(item, type) and item not in opened:
            opened.add(item)
            todo += [field.annotation for field in (object_fields(item) or {}).values()]


def object_fields(annotation: Any) -> dict[str, ObjectField] | None:
    """The fields of a Struct, dataclass, TypedDict or pydantic model by their names on the wire; None for others.

    Of a union with None, those of the other member. Raises NameError for a field's annotation that names nothing.
    """
    kinds = without_none(annotation)
    kind: Any = bare(kinds[0]) if len(kinds) == 1 else None
    owner: Any = get_origin(kind) or kind
    if not isinstance(owner, type):
        return None
    # pydantic has them ready, and changes them when it can resolve more of their names.
    if kind is not owner or hasattr(owner, "__pydantic_fields__"):
        return _read_fields(kind, owner)
    known = _known.get(owner)
    if known is None:
        known = _known[owner] = (_read_fields(kind, owner),)
    return known[0]


# To look annotations up again takes a millisecond, and a client's mistake asks for them.
_known: Final[WeakKeyDictionary[type, tuple[dict[str, ObjectField] | None]]] = WeakKeyDictionary()


def _read_fields(kind: Any, owner: type) -> dict[str, ObjectField] | None:
    found: list[ObjectField] = []
    described = getattr(owner, "__pydantic_fields__", None)
    if isinstance(described, Mapping):
        found = [_pydantic_field(name, info, owner) for name, info in described.items()]
    elif issubclass(owner, msgspec.Struct):
        if owner.__struct_config__.array_like:
            return None
        found = [
            ObjectField(item.encode_name, item.type, item.required, item.name, default=_given(item.default))
            for item in msgspec.structs.fields(kind)
        ]
    elif is_typeddict(owner):
        found = [
            ObjectField(name, _unqualified(hint), _is_required(owner, name, hint), name)
            for name, hint in _hints(owner).items()
        ]
    elif dataclasses.is_dataclass(owner):
        hints = _hints(owner)
        nothing = dataclasses.MISSING
        found = [
            ObjectField(
                item.name,
                hints[item.name],
                item.default is nothing is item.default_factory,
                item.name,
                default=_given(item.default),
            )
            for item in dataclasses.fields(owner)
            if item.init
        ]
    else:
        return None
    return {
        item.name: dataclasses.replace(
            item, many=is_many(item.annotation), description=item.description or _described(item.annotation)
        )
        for item in found
    }


def _given(default: Any) -> Any:
    return None if default is msgspec.NODEFAULT or default is dataclasses.MISSING else default


def _described(annotation: Any) -> str:
    """What msgspec.Meta, or anything like it, says of a field."""
    notes = getattr(annotation, "__metadata__", ())
    return next((text for note in notes if isinstance(text := getattr(note, "description", None), str)), "")


def _is_required(owner: Any, name: str, hint: Any) -> bool:
    # What the class says of itself is wrong where its annotations are text.
    origin = get_origin(hint)
    if origin is typing.NotRequired or origin is typing.Required:
        return origin is typing.Required
    return name in owner.__required_keys__


def _unqualified(hint: Any) -> Any:
    while get_origin(hint) in _QUALIFIERS:
        hint = get_args(hint)[0]
    return hint


def _hints(owner: type) -> dict[str, Any]:
    return get_type_hints(owner, include_extras=True)


def _pydantic_field(name: str, info: Any, owner: Any) -> ObjectField:
    alias = info.validation_alias if info.validation_alias is not None else info.alias
    choices = [item for item in getattr(alias, "choices", [alias]) if isinstance(item, str)]
    config = getattr(owner, "model_config", None) or getattr(owner, "__pydantic_config__", None) or {}
    names = choices or [name]
    if choices and (config.get("populate_by_name") or config.get("validate_by_name")):
        names.append(name)
    annotation = info.annotation
    if info.metadata:
        annotation = Annotated[(annotation, *info.metadata)]
    return ObjectField(
        names[0],
        annotation,
        info.is_required(),
        name,
        tuple(names[1:]),
        default=None if info.is_required() or info.default_factory is not None else info.default,
        description=info.description or "",
    )


def show(annotation: Any) -> str:
    """An annotation as it is written, without the modules of its names."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation.__qualname__.rpartition("<locals>.")[2]
    text = repr(annotation).replace("typing.", "").replace("<locals>.", "")
    return text if len(text) <= 100 else f"{text[:99]}…"
