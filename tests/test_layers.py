"""The layer rule of ARCHITECTURE.md, held by reading every import."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1] / "src" / "waypost"

# A module may import its own package and any package on an earlier row: not the same row, not a later one.
# `setting` and `rule` are what `config` is made of.
LAYERS = [
    ["errors"],
    ["crowd", "file_lock", "garbage", "lane", "redis_link", "setting"],
    ["sqlite_file"],
    ["environment", "http"],
    ["description", "rule", "validation"],
    ["config"],
    ["routing", "cache"],
    ["build_id", "manifest"],
    ["app"],
    ["clients", "openapi"],
    ["ai", "asgi", "auth", "cors", "ratelimit", "server", "sse", "templates", "testing", "webhooks"],
    ["cli"],
]
RANK = {name: row for row, names in enumerate(LAYERS) for name in names}
RESOURCES = {"template"}  # files that `waypost new` copies; they belong to users and import the public names


def imported_packages(path: Path, root: Path = ROOT) -> set[str]:
    """First-level packages of Waypost that `path` imports, type-only and deferred imports included."""
    here = (root.name, *path.relative_to(root).with_suffix("").parts)
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: -node.level]) if node.level else ""
            start = f"{base}.{node.module}" if base and node.module else base or (node.module or "")
            names = [f"{start}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == root.name:
                found.add(parts[1] if len(parts) > 1 and parts[1] in RANK else "the root package")
    return found


def violations() -> list[str]:
    out = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).parts
        mine = Path(parts[0]).stem
        if mine in ("__init__", "__main__") or RESOURCES & set(parts):
            continue
        if mine not in RANK:
            out.append(f"{path.relative_to(ROOT)}: not in LAYERS")
            continue
        out.extend(
            f"{path.relative_to(ROOT)}: {mine} may not import {other}"
            for other in sorted(imported_packages(path) - {mine})
            if RANK.get(other, len(LAYERS)) >= RANK[mine]
        )
    return out


def test_no_module_imports_a_higher_or_equal_layer() -> None:
    assert violations() == []


def test_the_reader_sees_relative_deferred_and_root_imports(tmp_path: Path) -> None:
    planted = tmp_path / "waypost" / "http" / "planted.py"
    planted.parent.mkdir(parents=True)
    planted.write_text(
        "from ..app import dispatch\ndef f():\n    import waypost.cli.main\n    from waypost import Request\n"
    )
    assert imported_packages(planted, tmp_path / "waypost") == {"app", "cli", "the root package"}
