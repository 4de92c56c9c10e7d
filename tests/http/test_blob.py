from __future__ import annotations

import asyncio
import gc
import os
import stat
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.http.blob import Blob, File
from waypost.http.spool import DiskSpan, Spool


def _on_disk(data, name="f", type=""):
    spool = Spool()
    spool.write(data)
    return File.of([DiskSpan(spool, 0, spool.size)], name, type)


def _open_files():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_parts_are_put_together():
    inner = Blob(["ö"])
    blob = Blob(["a", b"b", bytearray(b"c"), memoryview(b"d"), inner], type="Text/Plain")
    assert asyncio.run(blob.bytes()) == asyncio.run(blob.array_buffer()) == "abcdö".encode()
    assert (blob.size, blob.type) == (6, "text/plain")
    assert asyncio.run(Blob().bytes()) == b""


@pytest.mark.parametrize("parts", ["text", b"bytes", [3], [None]])
def test_parts_that_make_no_blob(parts):
    with pytest.raises(TypeError):
        Blob(parts)


@pytest.mark.parametrize("kind", ["text/plain\r\nX-Evil: 1", "a\x00b", "tëxt", "a\tb", "\x7f"])
def test_a_type_that_no_header_can_hold_is_dropped(kind):
    assert Blob([], type=kind).type == ""


def test_text_drops_the_byte_order_mark_and_replaces_bad_bytes():
    assert asyncio.run(Blob([b"\xef\xbb\xbfa\xffb"]).text()) == "a\ufffdb"
    assert asyncio.run(Blob(["\ud800"]).text()) == "\ufffd"


def test_a_file_has_a_name_and_a_time():
    before = time.time_ns() // 1_000_000
    file = File(["x"], "../../etc/passwd", type="text/plain")
    assert (file.name, file.size, file.type) == ("../../etc/passwd", 1, "text/plain")
    assert before <= file.last_modified <= time.time_ns() // 1_000_000
    assert File([], "n", last_modified=7).last_modified == 7


@given(st.lists(st.binary(max_size=9), max_size=4), st.integers(-30, 30), st.none() | st.integers(-30, 30))
def test_slice_is_what_bytes_slicing_gives(parts, start, end):
    data = b"".join(parts)
    expected = data[start:end]
    for blob in (Blob(parts), _on_disk(data), Blob([_on_disk(part) for part in parts])):
        part = blob.slice(start, end, "A/B")
        assert asyncio.run(part.bytes()) == expected
        assert (part.size, part.type) == (len(expected), "a/b")
        again = part.slice(1)
        assert asyncio.run(again.bytes()) == expected[1:]
        blob.close()


@pytest.mark.parametrize("make", [lambda data: Blob([data]), _on_disk])
def test_stream_gives_bounded_chunks(make):
    async def main():
        data = os.urandom(700_000)
        blob = make(data)
        chunks = [chunk async for chunk in blob.stream()]
        assert b"".join(chunks) == data
        assert max(map(len, chunks)) <= 262_144
        assert b"".join([chunk async for chunk in blob.slice(100, -100).stream()]) == data[100:-100]
        blob.close()

    asyncio.run(main())


def test_bytes_on_disk_are_read_in_another_thread(monkeypatch):
    threads: list[int] = []
    read = Spool.read

    def watch(self, offset, length):
        threads.append(threading.get_ident())
        return read(self, offset, length)

    monkeypatch.setattr(Spool, "read", watch)
    file = _on_disk(b"x" * 600_000)

    async def main():
        await file.bytes()
        await file.text()
        async for _ in file.stream():
            pass

    asyncio.run(main())
    file.close()
    assert len(threads) == 5
    assert threading.get_ident() not in threads


def test_readers_at_the_same_time_do_not_disturb_each_other():
    async def main():
        data = os.urandom(600_000)
        file = _on_disk(data)
        assert await asyncio.gather(*[file.bytes() for _ in range(8)]) == [data] * 8
        file.close()

    asyncio.run(main())


def test_a_closed_file_says_so_and_can_be_closed_again():
    file = _on_disk(b"abc")
    part = file.slice(1)
    file.close()
    file.close()
    for blob in (file, part):
        with pytest.raises(ValueError, match="closed"):
            asyncio.run(blob.bytes())
    memory = File([b"abc"], "m")
    memory.close()
    assert asyncio.run(memory.bytes()) == b"abc"


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_a_file_that_nobody_refers_to_gives_its_descriptor_back():
    before = _open_files()
    files = [_on_disk(b"x") for _ in range(5)]
    assert _open_files() == before + 5
    part = files[0].slice(0)
    del files
    gc.collect()
    assert _open_files() == before + 1
    assert asyncio.run(part.bytes()) == b"x"
    del part
    assert _open_files() == before


def test_a_spool_has_no_name(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = _on_disk(b"x" * 1000)
    assert list(tmp_path.iterdir()) == []
    file.close()


# -- save


@pytest.mark.parametrize("make", [lambda data, name: File([data], name), _on_disk])
def test_save_writes_the_bytes_and_replaces_nothing_unless_asked(tmp_path, make):
    data = os.urandom(600_000)
    target = tmp_path / "picture.png"
    target.write_text("old")
    file = make(data, "x")
    with pytest.raises(FileExistsError):
        asyncio.run(file.save(target))
    assert target.read_text() == "old"
    assert asyncio.run(file.save(target, overwrite=True)) == target
    assert target.read_bytes() == data
    assert asyncio.run(file.save(str(target), overwrite=True, fsync=True)) == target
    assert list(tmp_path.iterdir()) == [target]
    file.close()


def test_save_into_a_folder_makes_up_a_name(tmp_path):
    names = {asyncio.run(File([b"x"], "../../evil.php").save(tmp_path)).name for _ in range(3)}
    assert len(names) == 3
    assert {path.name for path in tmp_path.iterdir()} == names
    assert all(name.isalnum() and len(name) == 32 for name in names)


_NAMES = ["../x", "../../etc/passwd", "/etc/passwd", "a/b", "a/../../b", "..", "./../x", "dir/.."]


@pytest.mark.parametrize("name", _NAMES)
def test_a_path_made_of_a_climbing_name_is_refused(tmp_path, name):
    folder = tmp_path / "uploads"
    folder.mkdir()
    for path in (folder / name, os.path.join(folder, name)):  # noqa: PTH118
        with pytest.raises(ValueError, match="client's file name"):
            asyncio.run(File([b"x"], name).save(path))
    assert list(tmp_path.iterdir()) == [folder]
    assert list(folder.iterdir()) == []


def test_a_plain_name_in_a_folder_of_ours_is_allowed(tmp_path):
    assert asyncio.run(File([b"x"], "report.pdf").save(tmp_path / "report.pdf")).read_bytes() == b"x"


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_names_that_no_file_system_takes_raise_and_leave_nothing(tmp_path, name):
    with pytest.raises((OSError, ValueError)):
        asyncio.run(File([b"x"], name).save(tmp_path / name))
    assert list(tmp_path.iterdir()) == []


def test_save_to_a_missing_folder_raises(tmp_path):
    with pytest.raises(FileNotFoundError):
        asyncio.run(File([b"x"], "f").save(tmp_path / "missing" / "f"))


def test_save_does_not_follow_a_link(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("safe")
    link = tmp_path / "link"
    link.symlink_to(outside)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for where in (link, tmp_path / "dangling"):
        with pytest.raises(FileExistsError):
            asyncio.run(File([b"new"], "f").save(where))
    asyncio.run(File([b"new"], "f").save(link, overwrite=True))
    assert outside.read_text() == "safe"
    assert link.read_bytes() == b"new"
    assert not link.is_symlink()


def test_a_save_that_fails_leaves_the_old_file_and_no_draft(tmp_path):
    target = tmp_path / "f"
    target.write_text("old")
    file = _on_disk(b"x" * 10)
    file.close()
    with pytest.raises(ValueError, match="closed"):
        asyncio.run(file.save(target, overwrite=True))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX")
def test_a_saved_file_has_the_permissions_of_any_new_file(tmp_path):
    umask = os.umask(0o022)
    try:
        path = asyncio.run(File([b"x"], "f").save(tmp_path))
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
