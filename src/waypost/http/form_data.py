"""FormData: the fields and files of a form, in the order they were sent.

Knows no wire format: urlencoded.py, multipart_reader.py and multipart_writer.py do.
Source: XMLHttpRequest standard, FormData.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, cast, overload

from waypost.errors import InvalidForm
from waypost.http.blob import Blob, File
from waypost.http.percent import scalar_text

_REQUIRED: Any = object()

FormValue: TypeAlias = str | File
FormDataInit: TypeAlias = "FormData | Mapping[str, str | Blob] | Iterable[tuple[str, str | Blob]] | None"


class FormData:
    """A multimap of names to text or File; the order of all entries is kept.

    init: a mapping, pairs, or another FormData. A Blob becomes a File named "blob".

    As a Python mapping it has each name once: `in`, `[]` (first value; KeyError when absent), iteration, `keys()`,
    `len()`. The Web's `values()` and `entries()` (also `items()`) give every entry.
    Files of a request are closed with it: what shall outlive it is saved or read.
    """

    __slots__ = ("_entries",)

    def __init__(self, init: FormDataInit = None) -> None:
        self._entries: list[tuple[str, FormValue]] = []
        if isinstance(init, FormData):
            self._entries = init._entries.copy()
        elif init is not None:
            pairs = init.items() if isinstance(init, Mapping) else init
            for name, value in cast("Iterable[tuple[str, str | Blob]]", pairs):
                self.append(name, value)

    def append(self, name: str, value: str | Blob, filename: str | None = None) -> None:
        """Add an entry at the end and keep those of the same name. filename: for a Blob."""
        self._entries.append((scalar_text(name), _value(value, filename)))

    def set(self, name: str, value: str | Blob, filename: str | None = None) -> None:
        """Give `name` one value: at the place of its first entry, else at the end."""
        name = scalar_text(name)
        entry = (name, _value(value, filename))
        kept: list[tuple[str, FormValue]] = []
        placed = False
        for old in self._entries:
            if old[0] != name:
                kept.append(old)
            elif not placed:
                kept.append(entry)
                placed = True
        if not placed:
            kept.append(entry)
        self._entries = kept

    @overload
    def get(self, name: str) -> FormValue | None: ...
    @overload
    def get(self, name: str, default: FormValue) -> FormValue: ...
    @overload
    def get(self, name: str, default: None) -> FormValue | None: ...
    def get(self, name: str, default: FormValue | None = None) -> FormValue | None:
        """The first value of `name`; default when there is none."""
        for entry, value in self._entries:
            if entry == name:
                return value
        return default

    def get_all(self, name: str) -> list[FormValue]:
        """All values of `name` in order."""
        return [value for entry, value in self._entries if entry == name]

    def has(self, name: str) -> bool:
        """Whether there is an entry `name`."""
        return any(entry == name for entry, _ in self._entries)

    def delete(self, name: str) -> None:
        """Remove the entries `name`. No error when there is none."""
        self._entries = [entry for entry in self._entries if entry[0] != name]

    def keys(self) -> list[str]:
        """Each name once, in the order of its first entry."""
        return list(dict.fromkeys(name for name, _ in self._entries))

    def values(self) -> list[FormValue]:
        """The values of all entries in order."""
        return [value for _, value in self._entries]

    def entries(self) -> list[tuple[str, FormValue]]:
        """All entries as (name, value) in order."""
        return self._entries.copy()

    items = entries

    @overload
    def file(self, name: str) -> File: ...
    @overload
    def file(self, name: str, default: None) -> File | None: ...
    def file(self, name: str, default: Any = _REQUIRED) -> File | None:
        """The file `name`, for a handler that needs one: InvalidForm (400) when there is none, or only text.

        A file field that was left empty counts as none. default: None instead of the error where it is absent.
        """
        value = self.get(name)
        if isinstance(value, File) and (value.name or value.size):
            return value
        if default is _REQUIRED or isinstance(value, str):
            raise InvalidForm(f"The form has no file '{name}'")
        return None

    @overload
    def text(self, name: str) -> str: ...
    @overload
    def text(self, name: str, default: str) -> str: ...
    @overload
    def text(self, name: str, default: None) -> str | None: ...
    def text(self, name: str, default: Any = _REQUIRED) -> str | None:
        """The text field `name`: InvalidForm (400) when there is none, or a file. default: where it is absent."""
        value = self.get(name)
        if isinstance(value, str):
            return value
        if default is _REQUIRED or value is not None:
            raise InvalidForm(f"The form has no text field '{name}'")
        return cast("str | None", default)

    def files(self) -> list[File]:
        """The values that are files."""
        return [value for _, value in self._entries if isinstance(value, File)]

    def close(self) -> None:
        """Give back the disk space of the files; they can't be read after that."""
        for file in self.files():
            file.close()

    def __getitem__(self, name: str) -> FormValue:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: str | Blob) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        if not self.has(name):
            raise KeyError(name)
        self.delete(name)

    def __contains__(self, name: object) -> bool:
        return any(entry == name for entry, _ in self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len({name for name, _ in self._entries})

    def __bool__(self) -> bool:
        return bool(self._entries)

    def __repr__(self) -> str:
        return f"FormData({self._entries!r})"


def _value(value: str | Blob, filename: str | None) -> FormValue:
    if isinstance(value, Blob):
        if isinstance(value, File) and filename is None:
            return value
        return File([value], "blob" if filename is None else filename, type=value.type)
    if not isinstance(value, str):
        raise TypeError(f"a form's value must be a str, Blob or File, not {type(value).__name__}")
    if filename is not None:
        raise TypeError("only a Blob or File has a file name")
    return scalar_text(value)
