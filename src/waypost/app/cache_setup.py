"""The cache of an application: which store, which build, and what its static routes are told of them."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from waypost.app.after import Afterwork
from waypost.app.draft import DraftMode
from waypost.app.entry import RouteEntry
from waypost.app.instrumentation import Instrumentation
from waypost.app.services import Services
from waypost.app.static_routes import StaticRoute
from waypost.cache import ambient
from waypost.cache.caching import Caching
from waypost.cache.opening import open_store
from waypost.cache.store import Store
from waypost.config import Config
from waypost.http.site import Site

if TYPE_CHECKING:
    from waypost.manifest import Manifest

# Imports below that are inside functions: what they need (OpenSSL, JSON) is slow to load, and not every program has a
# build or a store.


class CacheSetup:
    """routes: all of the application; those that are static are told what they need. Opens nothing before `start`."""

    def __init__(
        self,
        config: Config,
        routes: Iterable[RouteEntry],
        afterwork: Afterwork,
        site: Site,
        instrumentation: Instrumentation,
    ) -> None:
        self._config = config
        self._build_id: str | None = None
        self._manifest: Manifest | None = None
        self.caching = Caching(time_limit=config.handler_timeout or None)
        self.caching.prepare = self._prepare
        draft = DraftMode(self._secret, dev=config.dev)
        self.services = Services(afterwork, self.caching, site, draft, instrumentation, config.root)
        self.routes: list[StaticRoute] = []
        for entry in routes:
            if entry.static is not None:
                entry.static.entry = entry
                entry.static.services = self.services
                self.routes.append(entry.static)

    @property
    def build_id(self) -> str:
        """The id of the project's present code."""
        if self._build_id is None:
            from waypost.build_id import build_id

            self._build_id = build_id(self._config)
        return self._build_id

    async def start(self) -> None:
        """Make the cache ready on the running loop. Raises StartupError for a store that can't be used at all."""
        self._prepare()
        if self.routes:
            await self.caching.open()

    def _prepare(self) -> None:
        config = self._config
        if config.dev:
            self.caching.start(None)
            return
        self._use_build()
        if "waypost.cache.fetching" in sys.modules:
            # The project uses fetch(): the client's import would stand still in the first request that needs it.
            with contextlib.suppress(ImportError):
                importlib.import_module("httpx2")
        if config.cache_url or self.routes:
            # What is wrong with the setting is said now, and the first hit finds a store.
            self.caching.start(partial(_itself, self._open_store()))
        else:
            self.caching.start(self._open_store)

    async def start_for_build(self) -> None:
        """The same for a build: in memory, and with nothing that an older build left."""
        from waypost.cache.memory_store import MemoryStore

        await self.services.instrumentation.register()
        store = MemoryStore(self._config.cache_max_memory, self._config.cache_max_tags)
        self.caching.start(partial(_itself, store))
        await self.caching.open()

    async def close(self, grace: float) -> None:
        """See Caching.close. The last application of its loop closes the connections of fetch() as well."""
        try:
            await self.caching.close(grace)
        finally:
            client = sys.modules.get("waypost.cache.fetch_client")
            # The loop's applications share them, as one that is replaced and the one that takes its place.
            if client is not None and not ambient.is_open(asyncio.get_running_loop()):
                await client.close_client()

    def _open_store(self) -> Store:
        return open_store(self._config, self.build_id)

    def _use_build(self) -> None:
        # A test means the handlers as they are, not what they once gave.
        if self._config.mode == "test" or not (self._config.root / ".waypost" / "build").is_dir():
            return
        from waypost.manifest import BuiltEntries, read_manifest, store_name

        manifest = self._manifest = read_manifest(self._config.root, self.build_id)
        if manifest is None:
            return
        self.caching.seeds = BuiltEntries(self._config.root, manifest, store_name(self._config.cache_url))
        for route in self.routes:
            paths = manifest.paths_of(route.pattern)
            if route.params is not None and paths is not None:
                route.params.know(paths)

    def _secret(self) -> bytes:
        if self._manifest is not None:
            return bytes.fromhex(self._manifest.secret)
        from waypost.manifest import project_secret

        return project_secret(self._config.root)


def _itself(store: Store) -> Store:
    return store
