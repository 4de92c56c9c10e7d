from __future__ import annotations

import importlib
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from waypost.cli.main import COMMANDS, group


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "waypost.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_help_lists_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name, text in COMMANDS.items():
        assert name in done.stdout
        assert text in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself(name: str) -> None:
    command = importlib.import_module(f"waypost.cli.{name}").command
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.short_help == COMMANDS[name]
    assert CliRunner().invoke(group, [name, "--help"]).exit_code == 0


def test_help_loads_no_command() -> None:
    program = (
        "import sys, click.testing\nfrom waypost.cli.main import group\n"
        "click.testing.CliRunner().invoke(group, ['--help'])\n"
        "print(sorted(name for name in sys.modules if name.startswith(('rich.', 'watchfiles', 'waypost.cli.'))))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['waypost.cli.main']\n"


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").stdout.startswith(f"waypost {version('waypost')} (Python 3.")


def test_a_misspelt_command_names_the_nearest() -> None:
    done = run("strat")
    assert done.returncode == 2
    assert "Did you mean start?" in done.stderr


def test_a_folder_that_does_not_exist_is_wrong_usage() -> None:
    done = run("routes", "no/such/folder")
    assert done.returncode == 2
    assert "no/such/folder" in done.stderr


def test_a_mistake_of_the_project_ends_with_one_and_a_report(tmp_path: Path) -> None:
    done = run("routes", str(tmp_path))
    assert done.returncode == 1
    assert "there is no app folder" in done.stderr
    assert "1 problem found" in done.stderr
    assert done.stdout == ""
