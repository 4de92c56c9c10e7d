from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from waypost.build_id import build_id
from waypost.cache.entry import NEVER, Entry
from waypost.cache.memory_store import MemoryStore
from waypost.cache.store import Fence
from waypost.config import load_config
from waypost.manifest import (
    FOLDER,
    BuiltEntries,
    BuiltRoute,
    Manifest,
    project_secret,
    read_manifest,
    store_name,
    write_build,
)

ROUTE = BuiltRoute("/a/[id]", "generated", "app/a/[id]/route.py", ("GET",), ("/a/1",), 60.0, None, 1, 5)


def entry(*tags: str, age: float = 0.0, expire: float = NEVER) -> Entry:
    return Entry(200, ((b"x", b"y"),), b"built", time.time() - age, NEVER, expire, tags)


def manifest(fence: Fence | None = None, store: str = "file") -> Manifest:
    return Manifest("b1", store, fence, (ROUTE,))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    made = manifest(Fence("era:1", 7))
    write_build(tmp_path, made, {"route:/a/1": entry()})
    assert read_manifest(tmp_path, "b1") == made
    assert made.paths_of("/a/[id]") == ("/a/1",) and made.paths_of("/b") is None


def test_the_manifest_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = write_build(tmp_path, manifest(), {})
    assert stat.S_IMODE((folder / "manifest.json").stat().st_mode) == 0o600
    assert len({manifest().secret for _ in range(3)}) == 3


def test_the_manifest_is_nobody_elses_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "chmod", lambda path, mode: None)  # a mode that comes later comes too late
    folder = write_build(tmp_path, manifest(), {})
    assert stat.S_IMODE((folder / "manifest.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("secret", ["", "ab12", 7])
def test_a_manifest_without_a_whole_secret_is_ignored(
    tmp_path: Path, secret: object, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_build(tmp_path, manifest(), {})
    data = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**data, "secret": secret}))
    assert read_manifest(tmp_path, "b1") is None
    assert "can't be read" in caplog.text


def test_a_new_build_takes_the_place_of_the_old(tmp_path: Path) -> None:
    write_build(tmp_path, manifest(), {"route:/a": entry(), "route:/b": entry()})
    folder = write_build(tmp_path, manifest(), {"route:/a": entry()})
    assert len(list((folder / "entries").iterdir())) == 1
    assert [path.name for path in folder.parent.iterdir()] == ["build"]


def test_a_build_of_other_files_is_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_build(tmp_path, manifest(), {})
    assert read_manifest(tmp_path, "b2") is None
    assert "built of other files" in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"version": 99}', '{"version": 1}', "\xff"])
def test_a_damaged_manifest_is_ignored(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_build(tmp_path, manifest(), {})
    (folder / "manifest.json").write_text(text, encoding="latin-1")
    with caplog.at_level(logging.WARNING):
        assert read_manifest(tmp_path, "b1") is None
    assert "can't be read" in caplog.text


def test_no_build_is_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_manifest(tmp_path, "b1") is None and not caplog.records


def offered(root: Path, made: Manifest, key: str = "k", *, revalidate: str = "", store: str = "file") -> Entry | None:
    async def run() -> Entry | None:
        memory = MemoryStore(1 << 20, 100)
        if revalidate:
            await memory.revalidate([revalidate])
        entries = BuiltEntries(root, made, store)
        first = await entries.offer(key, memory)
        if first is not None:
            found = await memory.get(key)
            assert found is not None and found.entry == first
        else:
            assert await entries.offer(key, memory) is None
        return first

    return asyncio.run(run())


@pytest.mark.parametrize("fence", [None, Fence("memory:0", 0)])
def test_a_built_answer_is_offered_until_one_of_its_tags_is_revalidated(tmp_path: Path, fence: Fence | None) -> None:
    made = manifest(fence)
    write_build(tmp_path, made, {"k": entry("posts")})
    taken = offered(tmp_path, made)
    assert taken is not None and (taken.body, taken.tags) == (b"built", ("posts",))
    assert offered(tmp_path, made, revalidate="other") is not None
    assert offered(tmp_path, made, revalidate="posts") is None
    assert offered(tmp_path, made, "unknown") is None


def test_a_store_that_lost_its_memory_takes_no_answer_of_its_former_life(tmp_path: Path) -> None:
    made = manifest(Fence("memory:before", 3))
    write_build(tmp_path, made, {"k": entry()})
    assert offered(tmp_path, made) is None
    # Of another store the build knows no time at all, and this one's own life counts.
    assert offered(tmp_path, made, store="another") is not None


def test_an_expired_or_damaged_answer_is_not_offered(tmp_path: Path) -> None:
    made = manifest()
    folder = write_build(tmp_path, made, {"k": entry(age=100, expire=50)})
    assert offered(tmp_path, made) is None
    folder = write_build(tmp_path, made, {"k": entry()})
    file = next((folder / "entries").iterdir())
    for data in (b"", file.read_bytes()[:-1], file.read_bytes()[:-1] + b"X"):
        file.write_bytes(data)
        assert offered(tmp_path, made) is None


def test_the_name_of_a_store_shows_no_password() -> None:
    name = store_name("redis://user:secret@host/0")
    assert "secret" not in name and name != store_name("redis://user:other@host/0")
    assert store_name("") == "file"


def test_the_secret_of_a_project_without_a_build_stays(tmp_path: Path) -> None:
    secret = project_secret(tmp_path)
    assert len(secret) == 64 and project_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / ".waypost" / "secret").stat().st_mode) == 0o600


@pytest.mark.parametrize("left", ["", "ab12", "0" * 63, "g" * 64, "é" * 32])
def test_a_secret_that_is_not_whole_is_replaced(tmp_path: Path, left: str, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / ".waypost" / "secret"
    file.parent.mkdir()
    file.write_text(left, "utf-8")
    secret = project_secret(tmp_path)
    assert len(bytes.fromhex(secret.decode())) == 32 and project_secret(tmp_path) == secret
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "is no whole secret" in caplog.text


def test_the_secret_is_whole_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[bytes] = []
    random = os.urandom

    def slow(size: int) -> bytes:
        if not found:  # what a worker finds that starts while another one writes
            found.append(b"")
            found.append(project_secret(tmp_path))
        return random(size)

    monkeypatch.setattr(os, "urandom", slow)
    assert project_secret(tmp_path) == found[1] and len(found[1]) == 64


@pytest.mark.parametrize("left", [None, ""])
def test_workers_that_start_together_have_one_secret(tmp_path: Path, left: str | None) -> None:
    if left is not None:
        (tmp_path / ".waypost").mkdir()
        (tmp_path / ".waypost" / "secret").write_text(left)
    start = threading.Barrier(8)

    def worker(_: int) -> bytes:
        start.wait()
        return project_secret(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(worker, range(8)))
    assert [len(secret) for secret in secrets] == [64]
    assert {path.name for path in (tmp_path / ".waypost").iterdir()} <= {"secret", "secret-lock"}


@pytest.mark.parametrize("left", [None, ""])
def test_a_file_system_without_links_keeps_a_secret(
    tmp_path: Path, left: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    secret = project_secret(tmp_path)
    assert len(secret) == 64 and project_secret(tmp_path) == secret


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX's")
def test_a_full_disk_leaves_no_secret_that_anyone_knows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        secret = project_secret(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(secret) == 32 and "draft mode ends with this process" in caplog.text
    assert len(project_secret(tmp_path)) == 64


# -- build ids


def project(root: Path, **files: str) -> str:
    for name, text in {"app/route.py": "x = 1\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return build_id(load_config(root, environ={}))


def test_equal_files_have_one_id_in_every_place(tmp_path: Path) -> None:
    one, other = project(tmp_path / "a"), project(tmp_path / "elsewhere" / "b")
    assert one == other and one.isalnum()


def test_any_change_of_code_is_another_build(tmp_path: Path) -> None:
    ids = [
        project(tmp_path),
        project(tmp_path, **{"app/route.py": "x = 2\n"}),
        project(tmp_path, **{"lib/db.py": "y = 1\n"}),
        project(tmp_path, **{"lib/db.py": "y = 2\n"}),
        project(tmp_path, **{"app/page.html": "<p>"}),
    ]
    assert len(set(ids)) == len(ids)


def test_what_is_no_code_of_the_project_does_not_count(tmp_path: Path) -> None:
    before = project(tmp_path)
    others = {
        ".waypost/x.py": "1", "node_modules/a/b.py": "1", "tests/test_a.py": "1", "blog.db": "1", "notes.txt": "1",
        "env/pyvenv.cfg": "", "env/lib/a.py": "1", "__pycache__/a.py": "1", ".env": "A=1",
    }  # fmt: skip
    assert project(tmp_path, **others) == before


def test_a_deployment_may_have_a_name(tmp_path: Path) -> None:
    project(tmp_path)
    assert build_id(load_config(tmp_path, overrides={"build_id": "v7-blue"}, environ={})) == "v7-blue"
    for wrong in ("a/b", "..", "a b", "x" * 65):
        with pytest.raises(Exception, match="build_id"):
            load_config(tmp_path, overrides={"build_id": wrong}, environ={})


def test_the_manifest_holds_no_path_of_the_machine(tmp_path: Path) -> None:
    folder = write_build(tmp_path, manifest(), {"k": entry()})
    assert str(tmp_path) not in json.dumps(json.loads((folder / "manifest.json").read_text()))
    assert folder == tmp_path / FOLDER
