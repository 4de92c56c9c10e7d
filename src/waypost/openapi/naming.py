"""What the definitions of a document are called, whichever path speaks of them first.

A type that has several forms has its plain name as it is read. As it is sent it is `PostOutput`, as a member of a union
that is read by its tag `PostTagged`. Other types of the same name are numbered, in the order of the paths.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import count
from typing import Final, Literal, TypeAlias

Form: TypeAlias = Literal["read", "tagged", "sent"]

# The first that a type has goes by its plain name.
_SUFFIXES: Final[dict[Form, str]] = {"read": "", "tagged": "Tagged", "sent": "Output"}


def component_names(definitions: Sequence[tuple[str, Set[Form]]]) -> list[str]:
    """A name for each definition. definitions: what the type is called, and the forms that it stands for."""
    groups: dict[str, dict[Form, list[int]]] = {}
    for number, (name, forms) in enumerate(definitions):
        first: Form = min(forms, key=list(_SUFFIXES).index)
        groups.setdefault(name, {}).setdefault(first, []).append(number)
    found: dict[int, str] = {}
    # The plain names stand before any other is given: a type may be called PostOutput, or Post2.
    taken = set(groups)
    for name, forms_of_name in sorted(groups.items()):
        ordered = [(suffix, forms_of_name[form]) for form, suffix in _SUFFIXES.items() if form in forms_of_name]
        for place, (suffix, numbers) in enumerate(ordered):
            wanted = name + suffix if place else name
            for position, number in enumerate(numbers):
                found[number] = name if not place and not position else _free(wanted, taken)
                taken.add(found[number])
    return [found[number] for number in range(len(definitions))]


def _free(wanted: str, taken: Set[str]) -> str:
    if wanted not in taken:
        return wanted
    return next(name for number in count(2) if (name := f"{wanted}{number}") not in taken)
