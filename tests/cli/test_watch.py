from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from waypost.cli.watch import ProjectWatch, is_relevant


@pytest.mark.parametrize(
    ("path", "relevant"),
    [
        ("app/api/posts/[id]/route.py", True),
        ("app/chat/page.html", True),
        ("app/tests/route.py", True),
        ("app/build/route.py", True),
        ("app/.well-known/route.py", True),
        ("app/api", True),
        ("lib/db.py", True),
        ("lib", True),
        ("main.py", True),
        (".env", True),
        (".env.development.local", True),
        ("pyproject.toml", True),
        ("lib/pyproject.toml", False),
        ("lib/data.json", False),
        ("tests/test_x.py", False),
        ("public/logo.svg", True),
        ("public", True),
        ("public/data.db", False),
        ("posts.db", False),
        ("app/posts.db-wal", False),
        ("app/api/__pycache__/route.cpython-311.pyc", False),
        ("app/api/.route.py.swp", False),
        ("app/api/route.py~", False),
        (".git/index", False),
        (".venv/lib/x.py", False),
        ("", False),
    ],
)
def test_what_asks_for_a_reload(path: str, relevant: bool) -> None:
    root = Path("/project")
    assert is_relevant(root / path, root, root / "app") is relevant


def changes_of(root: Path, *steps: Callable[[], object]) -> list[set[str]]:
    """What the watch gives after each of `steps`."""

    async def run() -> list[set[str]]:
        seen: list[set[str]] = []

        async def read(watch: ProjectWatch) -> None:
            async for changed in watch:
                seen[-1].update(path.relative_to(root).as_posix() for path in changed)

        async with ProjectWatch(root, root / "app") as watch:
            reader = asyncio.create_task(read(watch))
            for step in steps:
                seen.append(set())
                step()
                for _ in range(100):
                    await asyncio.sleep(0.05)
                    if seen[-1]:
                        break
                await asyncio.sleep(0.3)  # a burst may come in several sets
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        return seen

    return asyncio.run(run())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("app/api/[id]", ".venv/lib", "tests"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "app/api/[id]/route.py").write_text("")
    return tmp_path


def test_files_deep_inside_and_in_the_root(project: Path) -> None:
    def noise_then_env() -> None:
        (project / ".venv/lib/x.py").write_text("")
        (project / "tests/test_x.py").write_text("")
        (project / ".env").write_text("A=1")

    route = project / "app/api/[id]/route.py"
    assert changes_of(project, lambda: route.write_text("x = 1"), noise_then_env) == [
        {"app/api/[id]/route.py"},
        {".env"},
    ]


def test_a_file_that_is_replaced_as_editors_do(project: Path) -> None:
    def replace() -> None:
        (project / "pyproject.toml.tmp").write_text("")
        (project / "pyproject.toml.tmp").rename(project / "pyproject.toml")

    assert changes_of(project, replace, replace) == [{"pyproject.toml"}, {"pyproject.toml"}]


def test_a_folder_that_is_made_later(project: Path) -> None:
    lib = project / "lib"
    later = lib / "db.py"

    def make() -> None:
        lib.mkdir()
        later.write_text("x = 1")

    first, second = changes_of(project, make, lambda: later.write_text("x = 2"))
    assert first & {"lib", "lib/db.py"}
    assert second == {"lib/db.py"}


def test_a_folder_that_is_removed_and_made_again(project: Path) -> None:
    route = project / "app" / "route.py"

    def again() -> None:
        shutil.rmtree(project / "app")
        (project / "app").mkdir()

    first, second = changes_of(project, again, lambda: route.write_text("x = 1"))
    assert "app" in first
    assert second == {"app/route.py"}


def test_files_of_public_count_when_they_come_and_go(project: Path) -> None:
    (project / "public").mkdir()
    style = project / "public/blog.css"
    later = project / "app/later.py"
    seen = changes_of(
        project,
        lambda: style.write_text("a"),
        lambda: (style.write_text("b"), later.write_text("")),
        style.unlink,
    )
    assert seen == [{"public/blog.css"}, {"app/later.py"}, {"public/blog.css"}]


def test_a_watch_that_fails_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_watches_left(*_: object, **__: object) -> None:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr("waypost.cli.watch.awatch", no_watches_left)

    async def run() -> None:
        async with ProjectWatch(project, project / "app") as watch:
            await anext(aiter(watch))

    with pytest.raises(OSError, match="limit reached"):
        asyncio.run(run())


def test_names_without_a_suffix_are_folders_with_code_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "jar").touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "moved/inner").mkdir(parents=True)
    (tmp_path / "moved/inner/code.py").touch()
    found = {
        name: is_relevant(tmp_path / name, tmp_path, tmp_path / "app") for name in ("jar", "data", "moved", "gone")
    }
    assert found == {"jar": False, "data": False, "moved": True, "gone": True}
