"""The bundle of examples/chat is what its sources make, and its lock file names no registry."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from tests import npm
from tests.browser import chromium

EXAMPLE = Path(__file__).parents[2] / "examples" / "chat"
FRONTEND = EXAMPLE / "frontend"
ASSETS = EXAMPLE / "public" / "assets"


def test_the_bundle_names_its_sources() -> None:
    # As frontend/vite.config.js does it.
    files = ["package-lock.json", "vite.config.js", *(f"src/{path.name}" for path in (FRONTEND / "src").iterdir())]
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + (FRONTEND / name).read_bytes() + b"\0")
    first = (ASSETS / "chat.js").read_text().splitlines()[0]
    assert first == f"/* built from {digest.hexdigest()} */", "run `npm ci && npm run build` in examples/chat/frontend"


def test_a_rebuild_gives_the_same_files(tmp_path: Path) -> None:
    try:
        node = chromium.find_node()
        npm.install(FRONTEND)
    except (chromium.MissingBrowser, npm.MissingPackages) as missing:
        pytest.skip(str(missing))
    done = subprocess.run(
        [node, "node_modules/vite/bin/vite.js", "build", "--outDir", str(tmp_path), "--emptyOutDir"],
        cwd=FRONTEND,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for file in ("chat.js", "chat.css", "licenses.md"):
        assert (tmp_path / file).read_bytes() == (ASSETS / file).read_bytes(), file


def test_the_lock_file_names_no_registry_and_the_bundle_is_small() -> None:
    packages = json.loads((FRONTEND / "package-lock.json").read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert sum(file.stat().st_size for file in ASSETS.iterdir()) < 600_000
