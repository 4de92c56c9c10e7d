"""How much of a form, and of what, is taken in: what Config says, and what a single call changes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypedDict

import msgspec

KIB = 1024
MIB = 1024 * KIB


class FormOptions(TypedDict, total=False):
    """The keyword arguments of `request.form_data()` and `parts()`; what each means is said there."""

    max_files: int | None
    max_fields: int | None
    max_file_size: int | str | None
    max_field_size: int | str | None
    accept: Iterable[str] | str | None
    on_progress: Callable[[int, int | None], Awaitable[None] | None] | None


class FormLimits(msgspec.Struct, frozen=True):
    """Bounds of one form; the size of the whole body is bounded elsewhere.

    Past a number or a size: BodyTooLarge (413). Past the bounds of a part's headers: InvalidForm (400). A file of
    another type than those accepted: UnsupportedMediaType (415).
    """

    #: text fields
    max_fields: int = 1000
    #: parts with a file name
    max_files: int = 100
    #: bytes of one text field
    max_field_size: int = MIB
    #: bytes of all text fields with their names together; they are held in memory
    max_fields_size: int = 4 * MIB
    #: bytes of all headers of one part together
    max_part_header_size: int = 8 * KIB
    max_part_headers: int = 16
    #: bytes of one file; None for no limit but the body's
    max_file_size: int | None = None
    #: types that files may have, by their bytes: "image/png", "image/*"; None for any
    accept: tuple[str, ...] | None = None
    #: bytes of all files together that stay in memory; the file that would go past it is written to disk
    spool_size: int = MIB

    def changed(self, options: FormOptions) -> FormLimits:
        """These limits with those of one call in their place, None for no change; sizes also as "5mb".

        Raises TypeError for an option that does not exist, ValueError for a size or type that means nothing.
        """
        if not options:
            return self
        unknown = options.keys() - FormOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"there is no option {min(unknown)!r}: write {', '.join(FormOptions.__annotations__)}")
        max_file_size, max_field_size = options.get("max_file_size"), options.get("max_field_size")
        from waypost.http.sniff import checked_accept  # few programs change them
        from waypost.setting import SIZE

        changes: dict[str, Any] = {
            "max_files": options.get("max_files"),
            "max_fields": options.get("max_fields"),
            "max_file_size": None if max_file_size is None else SIZE.read(max_file_size, False),
            "max_field_size": None if max_field_size is None else SIZE.read(max_field_size, False),
            "accept": checked_accept(options.get("accept")),
        }
        changes = {name: value for name, value in changes.items() if value is not None}
        if not changes:
            return self
        if "max_field_size" in changes:
            changes["max_fields_size"] = max(self.max_fields_size, changes["max_field_size"])
        return msgspec.structs.replace(self, **changes)
