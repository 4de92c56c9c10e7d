"""How much of a form is taken in. Config has these settings under the same names with `form_` in front."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class FormLimits:
    """Bounds of one form; the size of the whole body is bounded elsewhere.

    Past a number or a size: BodyTooLarge (413). Past the bounds of a part's headers: InvalidForm (400).
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
    #: bytes of all files together that stay in memory; the file that would go past it is written to disk
    spool_size: int = MIB
