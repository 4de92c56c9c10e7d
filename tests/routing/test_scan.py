"""Folders to routes. Each folder below samples/ is a project; its expected.txt is what scan and load say of it."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from waypost.routing.scan import ScanResult, scan

SAMPLES = Path(__file__).parent / "samples"
HANDLER = "async def GET(request):\n    return None\n"
WriteTree = Callable[[Mapping[str, str]], Path]


def patterns(result: ScanResult) -> list[str]:
    return [route.pattern for route in result.routes]


@pytest.mark.parametrize("case", sorted(folder.name for folder in SAMPLES.iterdir()))
def test_sample(case: str, describe: Callable[[Path], str]) -> None:
    expected = (SAMPLES / case / "expected.txt").read_text(encoding="utf-8")

    assert describe(SAMPLES / case) == expected


def test_missing_folder_is_one_error(tmp_path: Path) -> None:
    result = scan(tmp_path / "app")

    assert result.routes == ()
    assert [error.message for error in result.errors] == ["there is no app folder"]
    assert result.errors[0].file == tmp_path / "app"
    assert "app/route.py" in result.errors[0].remedy


def test_result_does_not_depend_on_the_order_of_the_file_system(
    write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = write_tree({f"app/{name}/route.py": HANDLER for name in ("b", "a", "[x]", "a/[...r]", "(g)/c", "(g)/b")})
    first = scan(app)
    listing = os.scandir

    class Reversed:
        def __init__(self, path: Path) -> None:
            with listing(path) as entries:
                self.entries = sorted(entries, key=lambda entry: entry.name, reverse=True)

        def __enter__(self) -> Reversed:
            return self

        def __exit__(self, *error: object) -> None: ...

        def __iter__(self) -> object:
            return iter(self.entries)

    monkeypatch.setattr(os, "scandir", Reversed)

    second = scan(app)

    assert second.routes == first.routes
    assert [str(error) for error in second.errors] == [str(error) for error in first.errors]
    assert len(first.errors) == 1  # /b in a group and outside of it


def test_broken_names_every_file_that_an_error_is_about(write_tree: WriteTree) -> None:
    app = write_tree(
        {
            "app/x/route.py": HANDLER,
            "app/x/page.html": "<p>",
            "app/fine/route.py": HANDLER,
            "app/[bad/route.py": HANDLER,
            "app/[bad/deeper/route.py": HANDLER,
            "app/[a]/[a]/route.py": HANDLER,
        }
    )
    result = scan(app)

    assert set(result.broken) == {
        app / "x/route.py",
        app / "x/page.html",
        app / "[bad/route.py",
        app / "[bad/deeper/route.py",
        app / "[a]/[a]/route.py",
    }
    assert len(result.errors) == 3  # one for the clash, one for [bad however many routes are below, one for [a]
    assert all(error in result.errors for error in result.broken.values())


def test_folder_behind_a_link_is_routed(write_tree: WriteTree, tmp_path: Path) -> None:
    app = write_tree({"shared/health/route.py": HANDLER, "app/route.py": HANDLER})
    (app / "v1").symlink_to(tmp_path / "shared")
    result = scan(app)

    assert patterns(result) == ["/", "/v1/health"]
    assert result.routes[1].file == app / "v1/health/route.py"
    assert not result.errors
    assert not result.warnings


def test_link_to_a_folder_above_is_not_followed(write_tree: WriteTree) -> None:
    app = write_tree({"app/a/b/route.py": HANDLER})
    (app / "a/b/up").symlink_to(app / "a")
    (app / "a/self").symlink_to(app / "a")
    result = scan(app)

    assert patterns(result) == ["/a/b"]
    assert [warning.file for warning in result.warnings] == [app / "a/b/up", app / "a/self"]


def test_link_to_a_folder_beside_is_followed(write_tree: WriteTree) -> None:
    app = write_tree({"app/a/route.py": HANDLER, "app/ab/route.py": HANDLER})
    (app / "ab/link").symlink_to(app / "a")

    assert patterns(scan(app)) == ["/a", "/ab", "/ab/link"]


def test_links_that_lead_to_each_other_end(write_tree: WriteTree, tmp_path: Path) -> None:
    app = write_tree({"one/route.py": HANDLER, "two/route.py": HANDLER, "app/route.py": HANDLER})
    (tmp_path / "one/next").symlink_to(tmp_path / "two")
    (tmp_path / "two/next").symlink_to(tmp_path / "one")
    (app / "start").symlink_to(tmp_path / "one")
    result = scan(app)

    assert patterns(result) == ["/", "/start", "/start/next"]
    assert len(result.warnings) == 1


def test_dangling_link_is_an_error(write_tree: WriteTree, tmp_path: Path) -> None:
    app = write_tree({"app/a/route.py": HANDLER})
    (app / "route.py").symlink_to(tmp_path / "gone.py")
    (app / ".#route.py").symlink_to("editor@host.1234")  # how an editor locks a file
    result = scan(app)

    assert patterns(result) == ["/a"]
    assert [(error.file, "link to nothing" in error.message) for error in result.errors] == [(app / "route.py", True)]


def test_folder_called_like_a_route_file_is_a_segment(write_tree: WriteTree) -> None:
    app = write_tree({"app/page.html/route.py": HANDLER})

    assert patterns(scan(app)) == ["/page.html"]


def test_unreadable_folder_is_an_error_and_the_rest_goes_on(
    write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = write_tree({"app/locked/route.py": HANDLER, "app/open/route.py": HANDLER})
    listing = os.scandir

    def refuse(path: Path) -> object:
        if path == app / "locked":
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = scan(app)

    assert patterns(result) == ["/open"]
    assert [error.message for error in result.errors] == ["this folder can't be read: Permission denied"]
    assert result.errors[0].file == app / "locked"


def test_deeper_than_the_recursion_limit(tmp_path: Path) -> None:
    app = tmp_path / "app"
    folder = app
    folder.mkdir()
    made = [folder]
    for _ in range(1100):
        folder = folder / "a"
        folder.mkdir()
        made.append(folder)
    file = folder / "route.py"
    file.write_text(HANDLER)
    result = scan(app)
    file.unlink()
    for each in reversed(made):  # shutil.rmtree, which clears tmp_path, is recursive itself
        each.rmdir()

    assert patterns(result) == ["/a" * 1100]


def test_folder_name_that_is_not_utf8(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    folder = app / os.fsdecode(b"caf\xe9")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system stores no names that are not UTF-8")
    (folder / "route.py").write_text(HANDLER)
    result = scan(app)

    assert result.routes == ()
    assert "not UTF-8" in result.errors[0].message
    result.errors[0].message.encode("utf-8")  # can be printed


def test_decomposed_folder_name_is_the_composed_path(write_tree: WriteTree) -> None:
    decomposed = unicodedata.normalize("NFD", "café")
    app = write_tree({f"app/{decomposed}/[{decomposed}]/route.py": HANDLER})
    route = scan(app).routes[0]

    assert [segment.name for segment in route.segments] == ["café", "café"]
    assert route.params == ("café",)


def test_folders_of_tools_are_not_routed(write_tree: WriteTree) -> None:
    names = ("__pycache__", "node_modules", ".git", ".idea", ".venv", ".mypy_cache", ".pytest_cache")
    app = write_tree({f"app/{name}/route.py": HANDLER for name in (*names, ".well-known", "git")})

    assert patterns(scan(app)) == ["/.well-known", "/git"]
