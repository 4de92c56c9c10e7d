"""The readable part of a post's address, made from its title."""

from __future__ import annotations

import secrets
import unicodedata

from lib.schema import SLUG_LENGTH

# Room for the suffix of `slug_choices` within the column.
BASE_LENGTH = SLUG_LENGTH - 9


def slugify(title: str) -> str:
    """Letters, digits and their accents in lower case, with one dash for all that stands between them.

    "Hello, Big World!" gives "hello-big-world", "Über Café 日本" gives "über-café-日本", "../etc" gives "etc".
    A title without a letter or digit gives "post", so that a slug is never empty.
    """
    text = unicodedata.normalize("NFC", title.lower())
    # L letters, M marks (an accent, a vowel sign of Hindi), N numbers. `\w` would leave the marks out.
    words = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in text).split()
    return "-".join(words)[:BASE_LENGTH].strip("-") or "post"


def slug_choices(title: str) -> list[str]:
    """Slugs to try for `title`, best first; the last one is random and, for all purposes, free."""
    base = slugify(title)
    return [base, *(f"{base}-{number}" for number in range(2, 10)), f"{base}-{secrets.token_hex(4)}"]
