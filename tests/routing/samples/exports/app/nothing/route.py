"""Nothing here."""

LIMIT = 10
