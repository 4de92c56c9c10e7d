"""Values of the options; the reports with their lines stand in the samples options and contradictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from waypost.routing import options as module
from waypost.routing.options import SegmentOptions, read_options, useless_options
from waypost.routing.source import Source

NOWHERE = Source(Path("/nowhere/route.py"))


def read(**names: object) -> tuple[SegmentOptions, list[str]]:
    options, errors = read_options(names, NOWHERE)
    return options, [error.message for error in errors]


def test_defaults() -> None:
    options, messages = read()

    assert options == SegmentOptions()
    assert messages == []
    assert (options.dynamic, options.revalidate, options.dynamic_params) == ("auto", None, True)
    assert (options.fetch_cache, options.runtime, options.max_body_size) == ("auto", "python", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("dynamic", value) for value in get_args(module.Dynamic)),
        *(("fetch_cache", value) for value in get_args(module.FetchCache)),
        *(("runtime", value) for value in get_args(module.Runtime)),
        *(("revalidate", value) for value in (0, 1, 31_536_000, False, None)),
        *(("dynamic_params", value) for value in (True, False)),
        *(("max_duration", value) for value in (1, 800, None)),
        *(("max_body_size", value) for value in (0, 1, 10**9, None)),
    ],
)
def test_values(name: str, value: object) -> None:
    options, messages = read(**{name: value})

    assert messages == []
    assert getattr(options, name) == value
    assert type(getattr(options, name)) is type(value)


@pytest.mark.parametrize(
    ("text", "size"),
    [("512kb", 512 * 1024), ("10mb", 10 * 1024**2), ("1 GB", 1024**3), ("5b", 5), ("2MiB", 2 * 1024**2)],
)
def test_sizes_are_written_as_in_the_settings(text: str, size: int) -> None:
    assert read(max_body_size=text)[0].max_body_size == size


@pytest.mark.parametrize(
    ("value", "regions"),
    [("fra1", ("fra1",)), (["fra1", "iad1"], ("fra1", "iad1")), (("auto",), ("auto",)), (None, ())],
)
def test_regions(value: object, regions: tuple[str, ...]) -> None:
    assert read(preferred_region=value)[0].preferred_region == regions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("dynamic", value) for value in ("", "AUTO", "force_static", None, True, ["auto"], 0)),
        *(("revalidate", value) for value in (True, -1, 1.0, "60", "false", [], float("nan"))),
        *(("dynamic_params", value) for value in (0, 1, "true", None)),
        *(("fetch_cache", value) for value in ("no-store", None)),
        *(("runtime", value) for value in ("node", None, "Edge")),
        *(("max_duration", value) for value in (0, -1, True, 1.5, "5")),
        *(("preferred_region", value) for value in ("", [], [""], [1], {"fra1"}, 5)),
        *(("max_body_size", value) for value in (-1, True, 1.5, "10", "ten mb", "1tb", [])),
    ],
)
def test_values_that_an_option_cannot_have(name: str, value: object) -> None:
    options, messages = read(**{name: value})

    assert options == SegmentOptions()
    assert len(messages) == 1
    assert messages[0].startswith(f"{name} can't be ")


def test_all_wrong_options_are_reported_at_once() -> None:
    options, messages = read(dynamic="x", revalidate="y", runtime="z", max_duration=30)

    assert len(messages) == 3
    assert options == SegmentOptions(max_duration=30)


def test_a_huge_value_is_not_repeated_in_full() -> None:
    assert len(read(revalidate=["x" * 1000])[1][0]) < 100


@pytest.mark.parametrize("runtime", ["edge", "experimental-edge"])
def test_edge(runtime: Any) -> None:
    assert SegmentOptions(runtime=runtime).edge
    assert not SegmentOptions(runtime="nodejs").edge


@pytest.mark.parametrize("dynamic", ["force-static", "error"])
def test_false_is_not_zero(dynamic: str) -> None:
    # revalidate = False keeps an answer for ever, 0 never does; the two are equal in Python.
    assert read(dynamic=dynamic, revalidate=False)[1] == []
    assert len(read(dynamic=dynamic, revalidate=0)[1]) == 1
    assert read(dynamic="force-dynamic", revalidate=0)[1] == []
    assert len(read(dynamic="force-dynamic", revalidate=False)[1]) == 1


def misspelt(tmp_path: Path, name: str, value: str) -> list[str]:
    file = tmp_path / "route.py"
    file.write_text(f"{name} = {value}\n")
    names: dict[str, object] = {}
    exec(file.read_text(), names)
    return [error.remedy.split()[3].rstrip(",") for error in read_options(names, Source(file))[1]]


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("dynamicParams", "False", "dynamic_params"),
        ("fetchCache", "'auto'", "fetch_cache"),
        ("maxDuration", "5", "max_duration"),
        ("preferredRegion", "'fra1'", "preferred_region"),
        ("maxBodySize", "5", "max_body_size"),
        ("generateStaticParams", "print", "generate_static_params"),
        ("RUNTIME", "'edge'", "runtime"),
        ("dynamic_param", "False", "dynamic_params"),
        ("revalidates", "60", "revalidate"),
        ("max_body_sizes", "60", "max_body_size"),
    ],
)
def test_misspelt_names(tmp_path: Path, name: str, value: str, meant: str) -> None:
    assert misspelt(tmp_path, name, value) == [meant]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dynamics", "[]"),
        ("run_times", "{}"),
        ("valid", "True"),
        ("region", "'x'"),
        ("_revalidate", "60"),
        ("max_size", "5"),
        ("RUN", "'x'"),
        ("duration", "5"),
        ("cache", "'auto'"),
        ("revalidate_tag", "print"),
    ],
)
def test_names_that_only_resemble_an_option(tmp_path: Path, name: str, value: str) -> None:
    assert misspelt(tmp_path, name, value) == []


def test_an_imported_name_is_no_misspelt_option(tmp_path: Path) -> None:
    file = tmp_path / "route.py"
    file.write_text("from lib import REVALIDATE\n")

    assert read_options({"REVALIDATE": 60}, Source(file))[1] == []


def test_options_that_have_an_effect_are_no_warning() -> None:
    names = {"generate_static_params": print, "dynamic_params": False}
    options = SegmentOptions(dynamic="force-static", revalidate=60, dynamic_params=False)

    assert useless_options(options, names, NOWHERE, verbs=["GET", "POST"], params=True) == []
    assert useless_options(SegmentOptions(revalidate=0), {}, NOWHERE, verbs=["POST"], params=False) == []
