"""The frozen table that finds the entry of a path: one dict for static paths, one tree of segments for all.

Generic in what it finds; knows files only while it is built, and no Request. Nothing here depends on what clients
send: no cache, and a path costs at most one visit of each node of the tree, however long it is.
Source: Next.js, "Dynamic Route Segments"; the order static, [x], [...x], [[...x]] holds at each position.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Generic, TypeAlias, TypeVar

from waypost.errors import StartupErrors
from waypost.routing.canonical import canonical_path, decode_path
from waypost.routing.conflicts import find_conflicts
from waypost.routing.pattern import Segment, encode_segment, render_pattern
from waypost.routing.route_file import RouteFile

T = TypeVar("T")
Params: TypeAlias = dict[str, str | list[str]]

# A path of printable ASCII in which nothing can be escaped (`%`), redirected (`\`, an empty segment, a slash at the
# end) or a dot segment (every name with a dot in front goes the longer way).
_is_plain: Final = re.compile(r"(?:/(?!\.)[!-$&-.0-\[\]-~]+)+").fullmatch


class _Leaf(Generic[T]):
    """The end of a route. singles: name and position of each `[x]`; rest: name and first position of a catch-all."""

    __slots__ = ("entry", "rest", "rest_at", "singles")

    def __init__(self, entry: T, segments: tuple[Segment, ...]) -> None:
        self.entry = entry
        # Position 0 of a split path is the empty text before the first slash.
        self.singles: Final = tuple((s.name, at) for at, s in enumerate(segments, 1) if s.kind == "param")
        self.rest = ""
        self.rest_at = len(segments)
        if segments and segments[-1].kind in ("catch-all", "optional-catch-all"):
            self.rest = segments[-1].name


class _Node(Generic[T]):
    """One position of the tree. end: the path may stop here; rest: a catch-all takes everything from here."""

    __slots__ = ("end", "param", "rest", "statics")

    def __init__(self) -> None:
        self.statics: dict[str, _Node[T]] = {}
        self.param: _Node[T] | None = None
        self.rest: _Leaf[T] | None = None
        self.end: _Leaf[T] | None = None


class RouteTable(Generic[T]):
    """Paths → entries. Frozen: attributes can't be set, and nothing adds a route after `build`.

    static: the raw canonical path of each route without parameters → its entry. Look here first; it is the same
    answer as `match` gives, in one step. A plain dict behind a read-only type: a proxy would double its cost.
    """

    __slots__ = (
        "_base_path",
        "_entries",
        "_keep_slash",
        "_make_params",
        "_plain",
        "_root",
        "_trailing_slash",
        "static",
    )

    static: Mapping[str, T]
    _base_path: str
    _make_params: Callable[[], Params]
    _plain: bool
    _trailing_slash: bool
    _keep_slash: bool
    _entries: tuple[tuple[str, T], ...]
    _root: _Node[T]

    def __init__(
        self,
        routes: Iterable[tuple[tuple[Segment, ...], T]],
        *,
        spare: Iterable[tuple[tuple[Segment, ...], T]] = (),
        base_path: str = "",
        trailing_slash: bool = False,
        skip_trailing_slash_redirect: bool = False,
        make_params: Callable[[], Params] = dict,
    ) -> None:
        """routes: segments and entry, the stronger first: of two at one place the first stays.

        spare: those of static paths that are left out where a route answers them. See `build`.
        """
        fix: Any = super().__setattr__
        fix("_base_path", base_path)
        fix("_make_params", make_params)
        fix("_plain", not base_path and not trailing_slash)
        fix("_trailing_slash", trailing_slash)
        fix("_keep_slash", skip_trailing_slash_redirect)
        fix("_root", _Node[T]())
        static: dict[str, T] = {}
        entries: list[tuple[str, T]] = []
        for segments, entry in self._with_spare(routes, spare):
            entries.append((render_pattern(segments), entry))
            self._insert(segments, entry)
            fixed = segments[:-1] if segments and segments[-1].kind == "optional-catch-all" else segments
            if all(segment.kind == "static" for segment in fixed):
                for spelling in self._spellings(fixed):
                    static.setdefault(spelling, entry)
        fix("_entries", tuple(entries))
        fix("static", static)

    @classmethod
    def build(
        cls,
        routes: Iterable[tuple[RouteFile, T]],
        *,
        public: Iterable[tuple[str, T]] = (),
        spare: Iterable[tuple[str, T]] = (),
        base_path: str = "",
        trailing_slash: bool = False,
        skip_trailing_slash_redirect: bool = False,
        tolerant: bool = False,
        make_params: Callable[[], Params] = dict,
    ) -> RouteTable[T]:
        """Make the table of an application.

        public: files that win over every route of the same path, by their decoded URL path (`/naïve file.txt`).
        spare: what answers a path that nothing else does, by the path.
        base_path: `/docs` puts the whole table below it; `match` and `static` then take paths that include it.
        tolerant: of conflicting files keep the first instead of raising StartupErrors (`dev` reports them elsewhere).
        make_params: what holds the values that `find` and `match` give. An entry is any object but None.
        """
        pairs = sorted(routes, key=lambda pair: (pair[0].precedence, pair[0].file))
        if not tolerant:
            conflicts = find_conflicts([file for file, _ in pairs])
            if conflicts:
                raise StartupErrors(conflict.error for conflict in conflicts)
        return cls(
            [*_at_paths(public), *((file.segments, entry) for file, entry in pairs)],
            spare=_at_paths(spare),
            base_path=base_path,
            trailing_slash=trailing_slash,
            skip_trailing_slash_redirect=skip_trailing_slash_redirect,
            make_params=make_params,
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a RouteTable is frozen; {name} can't be set")

    def __iter__(self) -> Iterator[tuple[str, T]]:
        """Pattern and entry of each route, the one that wins first."""
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def match(self, path: str) -> tuple[T, Params] | None:
        """Find the entry that answers `path`, and the values of its parameters.

        path: as sent, starts with `/`, without the query, canonical (see `redirect`): one trailing slash is ignored,
        an empty or dot segment matches nothing. `[x]` gives a str, `[...x]` a new list of at least one str;
        `[[...x]]` without segments leaves the name out.
        Raises InvalidPath for malformed escapes, NUL, bytes that are not UTF-8.
        """
        entry = self.static.get(path)
        if entry is not None:
            return entry, {}
        base = self._base_path
        if base:
            if not path.startswith(base) or path[len(base) : len(base) + 1] not in ("", "/"):
                return None
            path = path[len(base) :] or "/"
        if "//" in path:
            return None
        # A path of plain characters is the common case and needs no more than the split.
        parts = path.split("/") if path.isascii() and "%" not in path and "\0" not in path else decode_path(path)
        if ("/." in path or "/%2" in path) and ("." in parts or ".." in parts):
            return None
        if not parts[-1]:
            parts.pop()
        return self._lookup(parts)

    def find(self, path: str) -> tuple[T, Params] | str | None:
        """`redirect` and `match` in one step, for a path that `static` does not have.

        Gives entry and parameters, or the canonical path to redirect to, or None. Raises as they do.
        """
        if self._plain and _is_plain(path) is not None:
            return self._lookup(path.split("/"))
        return self.redirect(path) or self.match(path)

    def redirect(self, path: str) -> str | None:
        """The canonical path when `path` is not it; the caller adds the query and answers 308.

        path: as sent, with the base path, without the query. Never `//host`: see `canonical_path`, which also says
        what raises InvalidPath.
        """
        return canonical_path(
            path, trailing_slash=self._trailing_slash, keep_slash=self._keep_slash, base_path=self._base_path
        )

    def _lookup(self, parts: list[str]) -> tuple[T, Params] | None:
        """The entry of a split path, and the values of its parameters."""
        node = self._root
        for part in parts:
            child = node.statics.get(part) or node.param
            if child is None:
                leaf = node.rest
                break
            node = child
        else:
            leaf = node.end
        if leaf is None:
            # The strongest branch may lead nowhere, which only some paths of some tables do: then with coming back.
            leaf = self._search(parts)
            if leaf is None:
                return None
        params = self._make_params()
        for name, at in leaf.singles:
            params[name] = parts[at]
        if leaf.rest:
            rest = parts[leaf.rest_at :]
            if rest:
                params[leaf.rest] = rest
        return leaf.entry, params

    def _search(self, parts: list[str]) -> _Leaf[T] | None:
        """Walk the tree, strongest branch first; `later` holds the branches to come back to.

        Each node has one parent, so that it is visited once at most: there is nothing to go exponential.
        """
        later: list[tuple[_Node[T], int] | _Leaf[T]] = [(self._root, 0)]
        while later:
            branch = later.pop()
            if isinstance(branch, _Leaf):
                return branch
            node, at = branch
            if at == len(parts):
                if node.end is not None:
                    return node.end
                continue
            if node.rest is not None:
                later.append(node.rest)
            if node.param is not None:
                later.append((node.param, at + 1))
            child = node.statics.get(parts[at])
            if child is not None:
                later.append((child, at + 1))
        return None

    def _with_spare(
        self, routes: Iterable[tuple[tuple[Segment, ...], T]], spare: Iterable[tuple[tuple[Segment, ...], T]]
    ) -> Iterator[tuple[tuple[Segment, ...], T]]:
        """The routes, and once they stand those of `spare` that are needed."""
        yield from routes
        for segments, entry in spare:
            if self._lookup(["", *(segment.name for segment in segments)]) is None:
                yield segments, entry

    def _insert(self, segments: tuple[Segment, ...], entry: T) -> None:
        leaf = _Leaf(entry, segments)
        # The root stands for the empty text before the first slash, so that a split path is walked as it is.
        node = self._root.statics.setdefault("", _Node())
        for segment in segments:
            if segment.kind == "static":
                node = node.statics.setdefault(segment.name, _Node())
            elif segment.kind == "param":
                if node.param is None:
                    node.param = _Node()
                node = node.param
            else:
                node.rest = node.rest or leaf
                if segment.kind == "optional-catch-all":
                    node.end = node.end or leaf
                return
        node.end = node.end or leaf

    def _spellings(self, segments: tuple[Segment, ...]) -> Iterator[str]:
        """The raw paths of a static route that need no redirect."""
        bare = self._base_path + "".join("/" + encode_segment(segment.name) for segment in segments)
        for path in (bare, bare + "/"):
            if path and self.redirect(path) is None:
                yield path


def _at_paths(entries: Iterable[tuple[str, T]]) -> list[tuple[tuple[Segment, ...], T]]:
    return [
        (tuple(Segment("static", name, name) for name in path.split("/") if name), entry) for path, entry in entries
    ]
