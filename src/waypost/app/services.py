"""What an application has one of, and its requests and static routes use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from waypost.app.after import Afterwork
    from waypost.app.draft import DraftMode
    from waypost.app.hits import Hits
    from waypost.app.instrumentation import Instrumentation
    from waypost.cache.caching import Caching
    from waypost.http.site import Site


class Services:
    """afterwork: takes what is given to after(). caching: the cache. draft: draft mode. site: see Site.

    instrumentation: is told of bugs. root: the project's folder. hits: answers at once, where a server asks it.
    """

    __slots__ = ("afterwork", "caching", "draft", "hits", "instrumentation", "root", "site")

    def __init__(
        self,
        afterwork: Afterwork,
        caching: Caching,
        site: Site,
        draft: DraftMode,
        instrumentation: Instrumentation,
        root: Path,
    ) -> None:
        self.afterwork = afterwork
        self.instrumentation = instrumentation
        self.caching = caching
        self.site = site
        self.draft = draft
        self.root = root
        self.hits: Hits | None = None
