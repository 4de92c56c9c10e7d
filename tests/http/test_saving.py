from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from waypost import BodyTooLarge, File, UnsupportedMediaType, save_stream
from waypost.http import saving
from waypost.http.saving import Draft

DATA = os.urandom(1_000_000)
PNG = b"\x89PNG\r\n\x1a\n" + DATA


async def _chunks(data: bytes = DATA, size: int = 65_536, fail: BaseException | None = None) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
    if fail is not None:
        raise fail


def _save(*arguments: object, **options: object) -> Path:
    return asyncio.run(save_stream(*arguments, **options))  # type: ignore[arg-type]  # of the tests below


def test_into_a_folder_and_to_a_path(tmp_path: Path) -> None:
    path = _save(_chunks(), tmp_path)
    assert (path.parent, len(path.name), path.read_bytes()) == (tmp_path, 32, DATA)
    path.unlink()
    assert _save(_chunks(), str(tmp_path / "x"), fsync=True) == tmp_path / "x"
    assert _save(_chunks(b""), tmp_path / "empty").read_bytes() == b""
    assert {item.name for item in tmp_path.iterdir()} == {"x", "empty"}


def test_nothing_is_replaced_unless_asked(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_text("old")
    with pytest.raises(FileExistsError):
        _save(_chunks(), target)
    assert target.read_text() == "old"
    assert _save(_chunks(), target, overwrite=True).read_bytes() == DATA
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "x"

    async def late() -> AsyncIterator[bytes]:
        yield DATA
        target.write_text("theirs")

    with pytest.raises(FileExistsError):
        _save(late(), target)
    assert target.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_one_of_many_at_once_wins(tmp_path: Path) -> None:
    async def main() -> list[object]:
        jobs = (save_stream(_chunks(bytes([number]) * 300_000), tmp_path / "x") for number in range(20))
        return await asyncio.gather(*jobs, return_exceptions=True)

    results = asyncio.run(main())
    assert [type(item) for item in results if isinstance(item, Exception)] == [FileExistsError] * 19
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]
    content = (tmp_path / "x").read_bytes()
    assert content == content[:1] * 300_000


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", link)
    assert _save(_chunks(), tmp_path / "x").read_bytes() == DATA
    with pytest.raises(FileExistsError):
        _save(_chunks(b"other"), tmp_path / "x")
    assert [item.name for item in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("error", [RuntimeError("broke off"), asyncio.CancelledError(), KeyboardInterrupt()])
@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_stream_that_breaks_off_leaves_nothing(tmp_path: Path, error: BaseException, size: int) -> None:
    async def main() -> None:
        with pytest.raises(type(error)):
            await save_stream(_chunks(DATA[:size], fail=error), tmp_path)

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="full"):
        _save(_chunks(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_cancelled_while_a_thread_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing = threading.Event()
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        writing.set()
        time.sleep(0.1)
        return real(descriptor, data)

    async def main() -> None:
        monkeypatch.setattr(os, "write", write)
        task = asyncio.create_task(save_stream(_chunks(), tmp_path / "x"))
        while not writing.is_set():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert list(tmp_path.iterdir()) == []
        monkeypatch.undo()

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", ["stream", "file"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_cancelled_while_the_file_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, overwrite: bool
) -> None:
    """The caller never hears of the file: without this it would lie there for ever."""
    placing = threading.Event()
    real = Draft._place

    def place(self: Draft) -> None:
        placing.set()
        time.sleep(0.1)
        real(self)

    monkeypatch.setattr(Draft, "_place", place)

    async def main() -> None:
        if way == "file":
            work = File([DATA], "x").save(tmp_path / "x", overwrite=overwrite)
        else:
            work = save_stream(_chunks(), tmp_path / "x", overwrite=overwrite)
        task = asyncio.create_task(work)
        while not placing.is_set():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    # What was replaced can't be brought back: then the new file is better than none.
    assert [item.name for item in tmp_path.iterdir()] == (["x"] if overwrite else [])


def test_limits(tmp_path: Path) -> None:
    for limit in (999_999, "900kb"):
        with pytest.raises(BodyTooLarge):
            _save(_chunks(), tmp_path, max_size=limit)
    assert _save(_chunks(), tmp_path / "x", max_size=1_000_000).stat().st_size == 1_000_000
    with pytest.raises(ValueError, match="number of bytes"):
        _save(_chunks(), tmp_path, max_size="many")
    assert [item.name for item in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("size", [1, 7, 65_536])
def test_types(tmp_path: Path, size: int) -> None:
    data = PNG[:3000]
    with pytest.raises(UnsupportedMediaType):
        _save(_chunks(data, size), tmp_path, accept="application/pdf")
    with pytest.raises(UnsupportedMediaType):
        _save(_chunks(b"short", size), tmp_path, accept=["image/*"])
    assert list(tmp_path.iterdir()) == []
    assert _save(_chunks(data, size), tmp_path, accept=["image/png"]).read_bytes() == data


def test_a_type_is_refused_before_the_rest_is_read(tmp_path: Path) -> None:
    taken = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal taken
        async for chunk in _chunks():
            taken += 1
            yield chunk

    with pytest.raises(UnsupportedMediaType):
        _save(counted(), tmp_path, accept="image/png")
    assert taken == 1


@pytest.mark.parametrize("as_coroutine", [False, True])
def test_progress(tmp_path: Path, as_coroutine: bool) -> None:
    seen: list[tuple[int, int | None]] = []

    async def later(size: int, total: int | None) -> None:
        seen.append((size, total))

    report = later if as_coroutine else lambda size, total: seen.append((size, total))
    _save(_chunks(size=1000), tmp_path, on_progress=report, total=len(DATA))
    assert seen[-1] == (len(DATA), len(DATA))
    assert len(seen) == 1_000_000 // 66_000 + 1
    assert sorted(seen) == seen
    seen.clear()
    _save(_chunks(b""), tmp_path, on_progress=report)
    assert seen == [(0, None)]


def test_the_loop_is_never_blocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        threads.add(threading.get_ident())
        return real(descriptor, data)

    monkeypatch.setattr(saving.os, "write", write)
    _save(_chunks(), tmp_path)
    assert threads
    assert threading.get_ident() not in threads


def test_the_source_is_closed_in_any_case(tmp_path: Path) -> None:
    closed: list[int] = []

    async def watched() -> AsyncIterator[bytes]:
        try:
            yield DATA
            yield DATA
        finally:
            closed.append(1)

    with pytest.raises(BodyTooLarge):
        _save(watched(), tmp_path, max_size=10)
    _save(watched(), tmp_path)
    assert closed == [1, 1]


def test_a_draft_that_was_given_up(tmp_path: Path) -> None:
    draft = Draft(tmp_path)
    draft.write(b"x")
    draft.discard()
    draft.discard()
    for use in (lambda: draft.write(b"x"), draft.finish):
        with pytest.raises(ValueError, match="given up"):
            use()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _save(_chunks(), tmp_path / "nowhere" / "x")
