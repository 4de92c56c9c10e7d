"""What a cached function's result depends on, as one exact text: the function, its arguments, what it closes over.

Equal texts are equal keys, so each part carries its type and its length. What can't be told apart by value (a
connection, a request, an open file) is refused.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from hashlib import sha256
from pathlib import PurePath
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final, TypeAlias
from uuid import UUID

from waypost.cache.values import fields_of
from waypost.errors import CacheUsageError
from waypost.http.url import URL, URLSearchParams

_TEXTUAL: Final = (datetime, date, time, timedelta, Decimal, UUID, Fraction, PurePath, URL, URLSearchParams, complex)
_DEPTH: Final = 50

Within: TypeAlias = tuple[int, ...]


def material(value: Any, what: str, path: Within = ()) -> str:
    """`value` as text that no other value has. what: how errors call it, "the argument user of posts()".

    path: what it is inside of.

    Dicts and sets are the same in any order. Raises CacheUsageError for what has no value of its own.
    """
    if value is None or value is True or value is False:
        return f"{value};"
    kind = type(value)
    if kind is str:
        return f"s{len(value)}:{value}"
    if kind is int or kind is float:
        return f"{kind.__name__[0]}{value!r};"
    if len(path) > _DEPTH:
        raise CacheUsageError(f"{what} is nested too deeply for a key, or holds itself")
    if isinstance(value, FunctionType | MethodType | functools.partial):
        return identity(value, what, path)
    deeper = (*path, id(value))
    if kind in (bytes, bytearray):
        return f"b{len(value)}:{bytes(value).hex()}"
    if kind in (list, tuple):
        return f"{kind.__name__}[{''.join(material(item, what, deeper) for item in value)}]"
    if kind in (set, frozenset):
        return f"set{{{''.join(sorted(material(item, what, deeper) for item in value))}}}"
    if isinstance(value, Mapping):
        pairs = sorted((material(key, what, deeper), material(item, what, deeper)) for key, item in value.items())
        return f"{kind.__name__}{{{''.join(key + item for key, item in pairs)}}}"
    if isinstance(value, _TEXTUAL):
        zone = getattr(getattr(value, "tzinfo", None), "key", "")
        return _named(kind, str(value) + (f"@{zone}{getattr(value, 'fold', '')}" if zone else ""))
    return _of_object(value, kind, what, deeper)


def _of_object(value: Any, kind: type, what: str, path: Within) -> str:
    fields = fields_of(value)
    if fields is not None:
        name = f".{value.name}" if isinstance(value, Enum) else ""
        return f"{kind.__module__}.{kind.__qualname__}{name}({material(fields, what, path)})"
    if isinstance(value, str | int | float):
        return f"{kind.__module__}.{kind.__qualname__}({material(kind.__mro__[1](value), what, path)})"
    if isinstance(value, type | ModuleType):
        return _named(
            type(value), f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value.__name__)}"
        )
    if inspect.isbuiltin(value):
        return _named(kind, f"{value.__module__}.{value.__qualname__}")
    raise CacheUsageError(
        f"{what} is of type {kind.__name__}, and a key can't be made of it: pass the plain values that the result "
        "depends on"
    )


def _named(kind: type, text: str) -> str:
    return f"{kind.__name__}{len(text)}:{text}"


def identity(function: Callable[..., Any], what: str, path: Within = (), *, closure: bool = True) -> str:
    """Which function this is: its module, name and code, and the values that it closes over.

    closure: False leaves these out, for a function whose user says by hand what they are.
    """
    deeper = (*path, id(function))
    own = getattr(function, "__waypost_identity__", None)
    if own is not None:  # a cached function, whose wrapper closes over what is no value
        return f"cached({own()})" if id(function) not in path else ""
    if isinstance(function, functools.partial):
        bound = material((function.args, function.keywords), what, deeper)
        return f"partial({identity(function.func, what, deeper, closure=closure)}{bound})"
    if isinstance(function, MethodType):
        owner = material(function.__self__, f"the object of {what}", deeper)
        return f"method({identity(function.__func__, what, deeper, closure=closure)}{owner})"
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return material(function, what, deeper)
    name = f"{function.__module__}.{function.__qualname__}"
    # Two lambdas of one place have one name.
    text = f"{name}@{code.co_firstlineno}:{_code_digest(code)}"
    # Functions that close over each other: this one is in the text already.
    return text + (_closed_over(function, code, what, deeper) if closure and id(function) not in path else "")


def _closed_over(function: Any, code: CodeType, what: str, path: Within) -> str:
    parts: list[str] = []
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        try:
            value = cell.cell_contents
        except ValueError:
            continue  # not assigned yet, so the function can't have read it
        if value is function or getattr(value, "__wrapped__", None) is function:
            continue  # it calls itself
        try:
            parts.append(f"{name}={material(value, what, path)}")
        except CacheUsageError:
            raise CacheUsageError(
                f"{what} closes over {name}, of type {type(value).__name__}, which the key can't cover: pass what the "
                "result depends on as an argument, or name it with key=[...]"
            ) from None
    return f"({';'.join(parts)})" if parts else ""


def _code_digest(code: CodeType) -> str:
    digest = sha256(code.co_code)
    digest.update(
        repr(
            (code.co_names, [_code_digest(c) if isinstance(c, CodeType) else _constant(c) for c in code.co_consts])
        ).encode("utf-8", "surrogatepass")
    )
    return digest.hexdigest()[:16]


def _constant(value: object) -> str:
    # A frozenset of texts has another order in each process.
    return repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)


class Signature:
    """Puts the arguments of a call in one order, however they were passed."""

    __slots__ = ("_count", "_names", "_signature", "name")

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.name = name
        self._signature = inspect.signature(function)
        kinds = [parameter.kind for parameter in self._signature.parameters.values()]
        plain = all(
            kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds
        )
        self._names = tuple(self._signature.parameters)
        self._count = len(kinds) if plain else -1

    def material(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The arguments as text. Raises TypeError as the call itself would, CacheUsageError for what is no key."""
        if not kwargs and len(args) == self._count:
            pairs = zip(self._names, args, strict=True)
        else:
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            pairs = zip(bound.arguments, bound.arguments.values(), strict=True)
        return "".join(f"{name}={material(value, f'the argument {name} of {self.name}')}" for name, value in pairs)
