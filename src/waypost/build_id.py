"""The build id: a digest of the project's code, equal on every machine that runs the same files.

Entries of the cache belong to one build. Whoever changes a line gets a fresh cache, and a build that was made of other
files is not mistaken for this one's. Values of the environment are not part of it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from waypost.config import Config

_SUFFIXES: Final = (".py", ".html")
# What lies in a project's folder and is not what it runs.
_SKIPPED: Final = frozenset(("__pycache__", "node_modules", "tests", "public", "site-packages"))
_LENGTH: Final = 24


def build_id(config: Config) -> str:
    """Letters and digits; `build_id` of the settings, where a deployment has a name of its own."""
    if config.build_id:
        return config.build_id
    digest = hashlib.sha256(f"{sys.version_info[:2]}\0{config.base_path}\0{config.trailing_slash}".encode())
    for file in sorted(_files(config.source_dir)):
        name = file.relative_to(config.source_dir).as_posix().encode("utf-8", "surrogateescape")
        data = file.read_bytes()
        digest.update(b"%d %b %d " % (len(name), name, len(data)))
        digest.update(data)
    return digest.hexdigest()[:_LENGTH]


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if name not in _SKIPPED and name[:1] != "." and not (Path(parent) / name / "pyvenv.cfg").exists()
        ]
        yield from (Path(parent, name) for name in files if name.endswith(_SUFFIXES))
