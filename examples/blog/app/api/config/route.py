"""/api/config: what clients ask for once. Made when the project is built, or at the first request, and kept."""

from __future__ import annotations

from lib.answers import Limits, Settings
from lib.schema import TITLE_LENGTH
from lib.validation import MAX_CONTENT_LENGTH, MAX_LIMIT

dynamic = "force-static"


async def GET() -> Settings:
    """The limits of the API."""
    limits = Limits(title=TITLE_LENGTH, content=MAX_CONTENT_LENGTH, posts_per_page=MAX_LIMIT)
    return Settings(version="1.0.0", limits=limits)
