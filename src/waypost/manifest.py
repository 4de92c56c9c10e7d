"""What `waypost build` leaves for `waypost start`: a manifest, and the answers of static handlers, a file each.

A build is of the very files that it was made of: a manifest of another build is ignored. Its answers are offered to
the cache's store, which takes them as if they had been stored at the time of the build: a revalidation since then
keeps them out. Knows no handler and no request.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from waypost.cache.entry import CorruptEntryError, Entry, decode_entry, encode_entry
from waypost.cache.store import Fence, Store
from waypost.file_lock import hold

log = logging.getLogger("waypost")

FOLDER: Final = Path(".waypost", "build")
_VERSION: Final = 1
_MANIFEST: Final = "manifest.json"
_ENTRIES: Final = "entries"
_SECRET: Final = re.compile("[0-9a-f]{64}")
_PATIENCE: Final = 5.0  # seconds to wait for another worker that replaces the secret, which takes it a moment


@dataclass(frozen=True, slots=True)
class BuiltRoute:
    """One row of the table. kind: "static", "generated" or "dynamic". paths: of generated parameters.

    revalidate, expire: seconds, None for never. answers: how many were built; size: their bytes.
    """

    pattern: str
    kind: str
    file: str
    methods: tuple[str, ...]
    paths: tuple[str, ...] = ()
    revalidate: float | None = None
    expire: float | None = None
    answers: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """fence: the store's time when the build began, None when no store answered; store: which one it was.

    secret: for what the application signs (draft mode), hex.
    """

    build_id: str
    store: str
    fence: Fence | None
    routes: tuple[BuiltRoute, ...]
    secret: str = field(default_factory=lambda: os.urandom(32).hex())
    created: float = field(default_factory=time.time)

    def paths_of(self, pattern: str) -> tuple[str, ...] | None:
        """The paths of generated parameters of a route, None when the build knows nothing of it."""
        return next((route.paths for route in self.routes if route.pattern == pattern), None)


def store_name(cache_url: str) -> str:
    """Which store a URL means, without the password that it may hold."""
    return sha256(cache_url.encode()).hexdigest()[:16] if cache_url else "file"


def write_build(root: Path, manifest: Manifest, entries: Mapping[str, Entry]) -> Path:
    """Write a build, in place of an older one; gives its folder. entries: cache key → entry.

    It is complete before it has its name: a build that is cut off leaves the old one.
    """
    final = root / FOLDER
    folder = final.with_name(f"{final.name}.{os.getpid()}")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / _ENTRIES).mkdir(parents=True)
    for key, entry in entries.items():
        (folder / _ENTRIES / _file_name(key)).write_bytes(encode_entry(entry))
    data = {"version": _VERSION, **asdict(manifest)}
    _write_private(folder / _MANIFEST, json.dumps(data, indent=1))  # it holds the secret
    if final.exists():
        old = final.with_name(f"{final.name}.old.{os.getpid()}")
        final.rename(old)
        folder.rename(final)
        shutil.rmtree(old, ignore_errors=True)
    else:
        folder.rename(final)
    return final


def read_manifest(root: Path, build_id: str) -> Manifest | None:
    """The manifest of this build; None when there is none, or one of other files (the log says so)."""
    file = root / FOLDER / _MANIFEST
    try:
        data: Any = json.loads(file.read_text("utf-8"))
        if data.pop("version") != _VERSION:
            raise ValueError("another version")
        fence = data.pop("fence")
        routes = tuple(_route(route) for route in data.pop("routes"))
        manifest = Manifest(**data, routes=routes, fence=None if fence is None else Fence(**fence))
        if not _is_secret(manifest.secret):
            raise ValueError("it has no whole secret")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s is ignored, it can't be read: %s", FOLDER / _MANIFEST, error)
        return None
    if manifest.build_id != build_id:
        log.warning("%s is ignored, it was built of other files: run `waypost build` again", FOLDER)
        return None
    return manifest


def project_secret(root: Path) -> bytes:
    """A secret for an application that was not built, kept in the project's `.waypost` for all its workers."""
    file = root / FOLDER.parent / "secret"
    try:
        secret = _read_secret(file)
        if secret is None:
            _keep_secret(file)
            secret = _read_secret(file)
        if secret is None:
            raise OSError("another process does not finish writing it")
    except OSError as error:
        log.warning("%s can't be kept: draft mode ends with this process (%s)", file, error)
        return os.urandom(32)
    return secret


def _read_secret(file: Path) -> bytes | None:
    """The secret of a file; None when there is none, or less than one: of an empty key everybody knows the answers."""
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return None
    return text if _is_secret(text.decode("latin-1")) else None


def _is_secret(text: object) -> bool:
    return isinstance(text, str) and _SECRET.fullmatch(text) is not None


def _keep_secret(file: Path) -> None:
    """Put a secret at the path unless another worker has done it. It has its name only when it is whole."""
    file.parent.mkdir(exist_ok=True)
    made = file.with_name(f"{file.name}.{os.urandom(8).hex()}")
    try:
        _write_private(made, os.urandom(32).hex())
        try:
            os.link(made, file)  # refuses where there is one: of workers that start together one wins
        except OSError:
            # There is one that is not whole, or the file system has no hard links. Two that replace it would end with
            # two secrets, so that only one may, and looks again.
            with hold(file.with_name(f"{file.name}-lock"), _PATIENCE) as held:
                if held and _read_secret(file) is None:
                    if file.exists():
                        log.warning("%s is no whole secret, and another takes its place", file)
                    made.replace(file)
    finally:
        made.unlink(missing_ok=True)


def _write_private(file: Path, text: str) -> None:
    """Write a new file that nobody else may read, at no time. Raises FileExistsError."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    with open(handle, "w", encoding="utf-8") as target:  # noqa: PTH123  # an open descriptor
        target.write(text)


def _route(data: dict[str, Any]) -> BuiltRoute:
    return BuiltRoute(**{**data, "methods": tuple(data["methods"]), "paths": tuple(data["paths"])})


def _file_name(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]


class BuiltEntries:
    """The answers of a build, for Caching.seeds. store: the name of the one that the application uses now."""

    __slots__ = ("_fence", "_folder", "_names")

    def __init__(self, root: Path, manifest: Manifest, store: str) -> None:
        self._folder = root / FOLDER / _ENTRIES
        try:
            self._names = set(os.listdir(self._folder))  # noqa: PTH208  # a hundred thousand names, no objects
        except OSError:
            self._names = set()
        # A build without the store, or with another one, knows nothing of this one's time. Then its answers count as
        # old as the store's life: what was ever revalidated in it keeps them out.
        self._fence = manifest.fence if store == manifest.store else None

    async def offer(self, key: str, store: Store) -> Entry | None:
        """See caching.Seeds. Raises StoreUnavailable."""
        if not self._names:
            return None
        name = _file_name(key)
        if name not in self._names:
            return None
        entry = self._read(name)
        if entry is not None and entry.state_at(time.time()) != "gone":
            fence = self._fence or (await store.fence()).beginning
            if await store.set(key, entry, fence):
                return entry
        self._names.discard(name)  # it will not become younger
        return None

    def _read(self, name: str) -> Entry | None:
        try:
            return decode_entry((self._folder / name).read_bytes())
        except (OSError, CorruptEntryError) as error:
            log.warning("an answer of the build can't be read and is made anew: %s", error)
            return None
