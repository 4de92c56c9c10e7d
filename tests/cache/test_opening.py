"""Settings → store."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from waypost.cache.layered import LayeredStore
from waypost.cache.memory_store import MemoryStore
from waypost.cache.opening import open_store
from waypost.config import load_config
from waypost.errors import StartupError


def test_the_default_is_a_file_of_the_build(tmp_path: Path) -> None:
    store = open_store(load_config(tmp_path, environ={}), "build-1")
    assert isinstance(store, LayeredStore)
    assert store._page.path == tmp_path / ".waypost" / "cache" / "build-1" / "page"
    assert not (tmp_path / ".waypost").exists()


def test_memory(tmp_path: Path) -> None:
    assert isinstance(open_store(load_config(tmp_path, environ={"WAYPOST_CACHE_URL": "memory:"}), "b"), MemoryStore)


@pytest.mark.parametrize(("consistency", "strict"), [("fast", False), ("strict", True)])
def test_redis(tmp_path: Path, consistency: str, strict: bool) -> None:
    environ = {"WAYPOST_CACHE_URL": "redis://127.0.0.1:1/2", "WAYPOST_CACHE_CONSISTENCY": consistency}
    store = open_store(load_config(tmp_path, environ=environ), "b")
    assert isinstance(store, LayeredStore)
    assert store._strict is strict


def test_strict_needs_nothing_of_a_store_that_one_machine_shares(tmp_path: Path) -> None:
    """There every revalidation is seen at once anyway, and a hit need not ask."""
    store = open_store(load_config(tmp_path, environ={"WAYPOST_CACHE_CONSISTENCY": "strict"}), "b")
    assert isinstance(store, LayeredStore)
    assert store._strict is False


@pytest.mark.parametrize("build_id", ["", "..", "a/b", "a b", "é", "x" * 101, "a\n"])
def test_a_build_id_is_a_plain_name(tmp_path: Path, build_id: str) -> None:
    with pytest.raises(ValueError, match="build id"):
        open_store(load_config(tmp_path, environ={}), build_id)


def test_a_missing_client_is_said_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.exceptions", None)
    monkeypatch.delitem(sys.modules, "waypost.cache.redis_store", raising=False)
    config = load_config(tmp_path, environ={"WAYPOST_CACHE_URL": "redis://h"})
    with pytest.raises(StartupError, match=r"waypost\[redis\]"):
        open_store(config, "b")


@pytest.mark.parametrize("url", ["http://h", "redis:/h", "memory", "sqlite:x", "REDIS://h"])
def test_an_unknown_url_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(StartupError, match="CACHE_URL"):
        load_config(tmp_path, environ={"WAYPOST_CACHE_URL": url})
