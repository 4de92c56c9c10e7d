"""Run every static handler of an application and keep the answers: the work of `waypost build`.

Nothing is taken from the cache that the application will use, and nothing is put there: cached data is made anew for
the build, in memory. Knows no terminal; progress goes to a callback.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from waypost.app.application import Application
from waypost.app.entry import RouteEntry
from waypost.app.static_routes import StaticRoute
from waypost.cache.caching import Made
from waypost.cache.entry import NEVER, Entry
from waypost.cache.key import route_key
from waypost.cache.store import Fence
from waypost.config import Config
from waypost.errors import DynamicReadError, StartupError, StartupErrors, StoreUnavailable
from waypost.manifest import BuiltRoute, Manifest, store_name

_AT_ONCE: Final = 8


@dataclass(slots=True)
class Prerendered:
    """manifest: what was built. entries: cache key → entry. warnings: answers that can't be kept, with the reason."""

    manifest: Manifest
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    warnings: list[StartupError] = field(default_factory=list[StartupError])


@dataclass(slots=True)
class _Job:
    route: StaticRoute
    path: str
    params: Mapping[str, Any]


async def prerender(
    application: Application, fence: Fence | None, on_progress: Callable[[str, int, int], object]
) -> Prerendered:
    """Run the static handlers of an application that was started. fence: the store's time before anything ran.

    on_progress: called with a path, how many are done, and how many there are.
    Raises StartupErrors with every handler that failed, each with file and line.
    """
    jobs, errors = await _jobs(application.cache.routes)
    limit = asyncio.Semaphore(_AT_ONCE)
    results: dict[str, tuple[_Job, Made]] = {}
    done = 0

    async def run(job: _Job) -> None:
        nonlocal done
        async with limit:
            try:
                served = await application.cache.caching.bypass(job.route._maker(job.path, dict(job.params)))
            except Exception as error:
                errors.append(explain(error, job.route, job.path, application.config))
            else:
                assert served.made is not None  # a bypass has it
                results[job.path] = (job, served.made)
        done += 1
        on_progress(job.path, done, len(jobs))

    await asyncio.gather(*map(run, jobs))
    if errors:
        raise StartupErrors(errors)
    return _collect(application, fence, [results[job.path] for job in jobs])


async def _jobs(routes: list[StaticRoute]) -> tuple[list[_Job], list[StartupError]]:
    jobs: list[_Job] = []
    errors: list[StartupError] = []
    for route in routes:
        if route.path.fixed is not None:
            jobs.append(_Job(route, route.path.fixed, {}))
        elif route.params is not None:
            try:
                generated = await route.params.generate()
            except StartupError as error:
                errors.append(error)
            except Exception as error:
                errors.append(_failed(error, route, "generate_static_params failed", route.file.parent))
            else:
                jobs += [_Job(route, path, params) for path, params in generated.items()]
    return jobs, errors


def _collect(application: Application, fence: Fence | None, results: list[tuple[_Job, Made]]) -> Prerendered:
    config = application.config
    entries: dict[str, Entry] = {}
    warnings: list[StartupError] = []
    paths: dict[str, list[str]] = {}
    for job, made in results:
        if job.route.params is not None:
            paths.setdefault(job.route.pattern, []).append(job.path)
        if made.entry is not None:
            entries[route_key(job.path)] = made.entry
        else:
            remedy = 'Write dynamic = "force-dynamic" if that is meant: it then runs for every request, as it does now.'
            message = f"the answer of {job.path} is not kept: {made.reason}"
            warnings.append(StartupError(message, file=job.route.file, remedy=remedy))
    routes = tuple(_row(entry, paths.get(entry.pattern, []), entries, config.root) for entry in application.routes)
    manifest = Manifest(application.cache.build_id, store_name(config.cache_url), fence, routes)
    return Prerendered(manifest, entries, warnings)


def _row(entry: RouteEntry, paths: list[str], entries: Mapping[str, Entry], root: Path) -> BuiltRoute:
    static = entry.static
    methods = tuple(method for method in entry.methods if method not in ("HEAD", "OPTIONS"))
    file = entry.file.relative_to(root).as_posix()
    if static is None:
        return BuiltRoute(entry.pattern, "dynamic", file, methods)
    keys = [route_key(static.path.fixed)] if static.path.fixed is not None else list(map(route_key, paths))
    kept = [entries[key] for key in keys if key in entries]
    revalidate = min((item.revalidate for item in kept), default=static.lifetime.revalidate)
    expire = min((item.expire for item in kept), default=static.lifetime.expire)
    return BuiltRoute(
        entry.pattern,
        "static" if static.params is None else "generated",
        file,
        methods,
        tuple(paths),
        None if revalidate == NEVER else revalidate,
        None if expire == NEVER else expire,
        len(kept),
        sum(len(item.body) for item in kept),
    )


async def store_fence(application: Application) -> Fence | None:
    """The present time of the store that the settings name; None when it does not answer, or remembers nothing."""
    from waypost.cache.opening import open_store

    if application.config.cache_url == "memory:":
        return None
    store = open_store(application.config, application.cache.build_id)
    try:
        await store.open()
        return await store.fence()
    except StoreUnavailable:
        return None
    finally:
        await store.close()


def explain(error: Exception, route: StaticRoute, path: str, config: Config) -> StartupError:
    """What a static handler raised, as a mistake of its file."""
    if isinstance(error, DynamicReadError):
        return StartupError(str(error).partition(": ")[2], file=error.file or route.file, line=error.line)
    if isinstance(error, StartupError):
        return error
    return _failed(error, route, f"the static handler of {path} failed", config.source_dir)


def _failed(error: Exception, route: StaticRoute, what: str, project: Path) -> StartupError:
    """With the line of the route's own file where it went wrong, or else the project's line that is nearest to it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename) == route.file]
    near = own or [frame for frame in frames if Path(frame.filename).is_relative_to(project)]
    line = near[-1].lineno if near else None
    file = Path(near[-1].filename) if near else route.file
    failure = StartupError(
        f"{what}: {type(error).__name__}: {error}",
        file=file,
        line=line,
        remedy='Mend it, or write dynamic = "force-dynamic" for a handler that can only run for a request.',
    )
    failure.__cause__ = error
    return failure
