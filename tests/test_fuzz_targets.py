"""The short form of `bench/fuzz/run.py`: each target from its committed seeds, a few hundred inputs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[1] / "bench" / "fuzz"


def runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz_run", FOLDER / "run.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NAMES = sorted(folder.name for folder in (FOLDER / "seeds").iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_nothing_comes_out_but_a_4xx(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runner()
    monkeypatch.setattr(run, "SLOW", 0.5)  # other tests run beside this one
    assert run.by_chance(name, seconds=60, seed=1, limit=40 if name == "protocol" else 300) >= 40


def test_every_target_has_seeds() -> None:
    sys.path.insert(0, str(FOLDER))
    try:
        import targets
    finally:
        sys.path.remove(str(FOLDER))
    assert sorted([*targets.TARGETS, "protocol"]) == NAMES
    assert all(len(runner().seeds(name)) >= 2 for name in NAMES)


def test_what_raises_is_kept_and_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = runner()
    monkeypatch.setattr(run, "HERE", tmp_path)
    (tmp_path / "seeds" / "broken").mkdir(parents=True)
    (tmp_path / "seeds" / "broken" / "seed").write_bytes(b"seed")

    def load(name: str) -> object:
        def broken(data: bytes) -> None:
            assert data == b"seed"

        return broken

    monkeypatch.setattr(run, "load", load)
    with pytest.raises(AssertionError):
        run.by_chance("broken", seconds=10, seed=1, limit=50)
    (kept,) = (tmp_path / "found" / "broken").iterdir()
    assert kept.read_bytes() != b"seed"
