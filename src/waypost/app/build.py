"""A project folder → route entries and the table: what happens at start-up, in order."""

from __future__ import annotations

from dataclasses import dataclass, field

from waypost.app.binding import bind
from waypost.app.entry import Endpoint, RouteEntry
from waypost.config import Config
from waypost.errors import StartupError, StartupErrors
from waypost.routing.load import load_route
from waypost.routing.scan import RouteFile, scan
from waypost.routing.table import RouteTable


@dataclass(slots=True)
class Built:
    """What a project came to: its entries in the order of the files, and the table that finds them."""

    entries: list[RouteEntry] = field(default_factory=list)
    table: RouteTable[RouteEntry] = field(default_factory=RouteTable)
    warnings: list[str] = field(default_factory=list)


def build_entries(config: Config) -> Built:
    """Scan, load and bind every route file. Raises StartupErrors with all mistakes at once.

    In development a mistake inside one file becomes the error of its entry, and two files that claim one path become
    one entry with an error; the rest of the application works.
    """
    raise StartupError("unreachable")
