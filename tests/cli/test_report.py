from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from waypost.cli.report import print_report
from waypost.errors import StartupError, StartupErrors


def report_of(error: StartupError, **options: object) -> str:
    out = io.StringIO()
    print_report(error, Console(file=out, width=60, highlight=False, markup=False, **options))  # type: ignore[arg-type]  # a test's options
    return out.getvalue()


@pytest.fixture
def route(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "app" / "[id]" / "route.py"
    file.parent.mkdir(parents=True)
    file.write_text("import x\n\n    def get(): ...\n")
    return file


def test_an_error_has_its_place_its_line_and_its_remedy(route: Path) -> None:
    error = StartupError("lower case [bold]get[/]", file=route, line=3, remedy="Write GET.")
    assert report_of(error) == (
        "app/[id]/route.py:3: lower case [bold]get[/]\n  3 | def get(): ...\n  Write GET.\n\n1 problem found\n"
    )


def test_a_file_without_a_line_and_no_file_at_all(route: Path) -> None:
    errors = StartupErrors([StartupError("a", file=route), StartupErrors([StartupError("b")])])
    assert report_of(errors) == "b\n\napp/[id]/route.py: a\n\n2 problems found\n"


def test_errors_are_in_the_order_of_the_files_and_each_is_told_once(route: Path) -> None:
    first, second = StartupError("one", file=route, line=1), StartupError("two", file=route, line=2)
    report = report_of(StartupErrors([second, first, second]))
    assert report.index("one") < report.index("two")
    assert "2 problems found" in report


def test_a_place_is_never_wrapped(route: Path) -> None:
    error = StartupError("long " * 40, file=route, line=1)
    assert report_of(error).splitlines()[0] == f"app/[id]/route.py:1: {'long ' * 40}"


def test_a_secret_in_an_env_file_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / ".env.local"
    file.write_text("KEY=hunter2 'oops\n")
    assert "hunter2" not in report_of(StartupError("this line is no variable", file=file, line=1))


def test_a_changed_file_is_read_again(route: Path) -> None:
    assert "import x" in report_of(StartupError("a", file=route, line=1))
    route.write_text("import something_longer\n")
    assert "something_longer" in report_of(StartupError("a", file=route, line=1))


def test_colours_on_a_terminal_only(route: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    error = StartupError("a", file=route, line=1)
    assert "\x1b[" not in report_of(error)
    assert "\x1b[31m" in report_of(error, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" not in report_of(error, force_terminal=True, color_system="standard")


def test_a_message_that_shows_the_line_itself_is_not_followed_by_it(route: Path) -> None:
    error = StartupError("SyntaxError: x\n  3 | def get(): ...\n    | ^", file=route, line=3)
    assert report_of(error).count("def get()") == 1
