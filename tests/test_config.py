from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from waypost.config import SETTINGS, Config, load_config
from waypost.errors import StartupError, StartupErrors

REPOSITORY = Path(__file__).parent.parent


def write(root: Path, text: str) -> Path:
    (root / "pyproject.toml").write_text(text)
    return root


def failure(root: Path, **environ: str) -> StartupError:
    with pytest.raises(StartupError) as caught:
        load_config(root, environ=environ)
    return caught.value


def test_a_project_without_configuration_has_the_defaults(tmp_path: Path) -> None:
    assert load_config(tmp_path, environ={}) == Config(root=tmp_path)


def test_every_field_but_root_and_mode_is_a_documented_setting() -> None:
    assert list(Config.__struct_fields__) == ["root", "mode", *SETTINGS]
    assert all(setting.doc.endswith(".") for setting in SETTINGS.values())


def test_the_page_of_the_documentation_is_the_table() -> None:
    spec = importlib.util.spec_from_file_location("settings_table", REPOSITORY / "scripts" / "settings_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == module.render_page(page), "run: python scripts/settings_table.py"


def test_keys_may_be_written_with_dashes_or_underscores(tmp_path: Path) -> None:
    write(tmp_path, '[tool.waypost]\nmax-body-size = "10mb"\nkeep_alive_timeout = "1m"\ntrailing-slash = true\n')
    config = load_config(tmp_path, environ={})
    assert (config.max_body_size, config.keep_alive_timeout, config.trailing_slash) == (10 * 1024 * 1024, 60.0, True)


def test_option_beats_variable_beats_platform_variable_beats_file(tmp_path: Path) -> None:
    write(tmp_path, "[tool.waypost]\nport = 1\n")
    environ: dict[str, str] = {}
    assert load_config(tmp_path, environ=environ).port == 1
    environ["PORT"] = "2"
    assert load_config(tmp_path, environ=environ).port == 2
    environ["WAYPOST_PORT"] = "3"
    assert load_config(tmp_path, environ=environ).port == 3
    assert load_config(tmp_path, overrides={"port": 4, "host": None}, environ=environ).port == 4
    assert load_config(tmp_path, environ={"PORT": "", "HOST": "::1"}).port == 1


@pytest.mark.parametrize(
    ("key", "toml", "variable", "expected"),
    [
        ("max_body_size", "1000", "1000", 1000),
        ("max_body_size", '"512kb"', "512kb", 512 * 1024),
        ("max_body_size", '"1 GiB"', "1 GiB", 1024**3),
        ("header_timeout", "2", "2", 2.0),
        ("header_timeout", "0.5", "0.5", 0.5),
        ("header_timeout", '"500ms"', "500ms", 0.5),
        ("header_timeout", '"1.5h"', "1.5h", 5400.0),
        ("handler_timeout", "0", "0", 0.0),
        ("access_log", "true", "Yes", True),
        ("access_log", "false", "0", False),
        ("workers", "3", "3", 3),
        ("base_path", '"/docs/v1"', "/docs/v1", "/docs/v1"),
        ("log_format", '"json"', "json", "json"),
        ("uds", '"run/app.sock"', "run/app.sock", Path("run/app.sock")),
        ("port", "0", "0", 0),
    ],
)
def test_values(tmp_path: Path, key: str, toml: str, variable: str, expected: object) -> None:
    write(tmp_path, f"[tool.waypost]\n{key} = {toml}\n")
    from_file = getattr(load_config(tmp_path, environ={}), key)
    (tmp_path / "pyproject.toml").unlink()
    from_variable = getattr(load_config(tmp_path, environ={f"WAYPOST_{key.upper()}": variable}), key)
    assert from_file == from_variable == expected
    assert type(from_file) is type(from_variable) is type(expected)


@pytest.mark.parametrize(
    ("key", "toml"),
    [
        ("port", '"3000"'),
        ("port", "65536"),
        ("port", "-1"),
        ("port", "true"),
        ("port", "3000.0"),
        ("max_body_size", '"1000"'),
        ("max_body_size", '"10 parsec"'),
        ("max_body_size", "-1"),
        ("max_body_size", "true"),
        ("header_timeout", "-1"),
        ("header_timeout", "inf"),
        ("header_timeout", "nan"),
        ("header_timeout", '"10"'),
        ("header_timeout", "true"),
        ("trailing_slash", "1"),
        ("trailing_slash", '"true"'),
        ("workers", "0"),
        ("workers", '"many"'),
        ("workers", '"2"'),
        ("base_path", '"docs"'),
        ("base_path", '"/docs/"'),
        ("base_path", '"/"'),
        ("log_format", '"xml"'),
        ("host", "1"),
        ("uds", '""'),
        ("trusted_proxies", '"10.0.0.0/8"'),
        ("trusted_proxies", '["10.0.0.1/8"]'),
        ("trusted_proxies", '["proxy.local"]'),
        ("trusted_proxies", "[10]"),
    ],
)
def test_a_value_that_a_key_cannot_have_is_refused_with_its_place(tmp_path: Path, key: str, toml: str) -> None:
    error = failure(write(tmp_path, f"# settings\n[tool.waypost]\n\n{key} = {toml}\n"))
    assert (error.file, error.line) == (tmp_path / "pyproject.toml", 4)
    assert error.message.startswith(f"{key} ")


@pytest.mark.parametrize("value", ["-1", "+1", "1e3", "1_000", "٣", "0x10", " 1", "1" * 30])
def test_numbers_in_variables_are_plain_digits(tmp_path: Path, value: str) -> None:
    assert "WAYPOST_PORT must be a whole number" in failure(tmp_path, WAYPOST_PORT=value).message


def test_an_unknown_key_names_the_nearest_one(tmp_path: Path) -> None:
    error = failure(write(tmp_path, '[project]\nname = "x"\n\n[tool.waypost]\nmax-bodysize = 1\n'))
    assert (error.line, error.remedy) == (5, "Did you mean max_body_size?")
    assert "max-bodysize" in error.message


def test_a_key_like_no_other_points_to_the_documentation(tmp_path: Path) -> None:
    assert "docs/configuration.md" in failure(write(tmp_path, "[tool.waypost]\nzzzz = 1\n")).remedy


def test_a_misspelt_variable_is_told_and_a_foreign_one_is_not(tmp_path: Path) -> None:
    error = failure(tmp_path, WAYPOST_MAX_BODYSIZE="1")
    assert error.remedy == "Did you mean WAYPOST_MAX_BODY_SIZE?"
    load_config(
        tmp_path, environ={"WAYPOST_CACHE_URL": "redis://x", "WAYPOST_SHARED": "/x", "WAYPOST_RATELIMIT_URL": "x"}
    )


def test_a_variable_of_a_file_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(StartupError) as caught:
        load_config(tmp_path, environ={"PORT": "http"}, places={"PORT": (tmp_path / ".env", 7)})
    assert caught.value.place == f"{tmp_path / '.env'}:7"


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "[tool.waypost]\nport = 70000\nnope = 1\n")
    with pytest.raises(StartupErrors) as caught:
        load_config(tmp_path, environ={"WAYPOST_WORKERS": "none"}, overrides={"host": 5})
    assert [error.line for error in caught.value.errors] == [2, 3, None, None]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[tool]\nwaypost = { port = "x" }\n', 2),
        ('tool.waypost.port = "x"\n', 1),
        ('[tool.other]\nport = 1\n[tool.waypost]\n"port" = "x"\n', 4),
        ('[tool.waypost] # ours\nhost = "port = 1"\nport = "x"\n', 3),
        ("[tool.waypost.port]\nx = 1\n", 1),
    ],
)
def test_the_line_is_found_in_every_spelling(tmp_path: Path, text: str, line: int) -> None:
    assert failure(write(tmp_path, text)).line == line


@pytest.mark.parametrize(
    ("text", "line"),
    [("[tool.waypost]\nport = \n", 2), ("[tool]\nwaypost = 1\n", 2), ("[tool.waypost]\nport=1\nport=2\n", 3)],
)
def test_a_broken_file_is_told_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    assert failure(write(tmp_path, text)).line == line


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    assert "not TOML" in failure(tmp_path).message


def test_one_setting_in_two_spellings_is_a_mistake(tmp_path: Path) -> None:
    error = failure(write(tmp_path, "[tool.waypost]\nmax-headers = 5\nmax_headers = 6\n"))
    assert "same setting" in error.message


def test_a_tool_table_that_is_none_is_left_to_other_tools(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "tool = 1\n"), environ={}).port == 3000


def test_auto_workers_are_at_least_one(tmp_path: Path) -> None:
    assert load_config(tmp_path, environ={"WAYPOST_WORKERS": "auto"}).workers >= 1


def test_trusted_proxies_are_networks_in_one_spelling(tmp_path: Path) -> None:
    write(tmp_path, '[tool.waypost]\ntrusted-proxies = ["10.0.0.0/255.0.0.0", "fd00:0::/8", "127.0.0.1", "unix"]\n')
    config = load_config(tmp_path, environ={})
    assert config.trusted_proxies == ("10.0.0.0/8", "fd00::/8", "127.0.0.1/32", "unix")
    same = load_config(tmp_path, environ={"WAYPOST_TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8 127.0.0.1,unix"})
    assert same == config


def test_the_folders_of_a_project(tmp_path: Path) -> None:
    config = Config(root=tmp_path)
    assert (config.app_dir, config.source_dir) == (tmp_path / "app", tmp_path)
    (tmp_path / "src" / "app").mkdir(parents=True)
    assert (config.app_dir, config.source_dir) == (tmp_path / "src" / "app", tmp_path / "src")
    (tmp_path / "app").mkdir()
    assert (config.app_dir, config.public_dir) == (tmp_path / "app", tmp_path / "public")


def test_only_development_is_dev() -> None:
    assert Config(root=Path(), mode="development").dev
    assert not Config(root=Path(), mode="production").dev
    assert not Config(root=Path(), mode="test").dev
