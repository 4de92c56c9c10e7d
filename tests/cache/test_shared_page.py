"""The mapped page: what one process raises, every other sees; what can't be trusted makes readers ask."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from waypost.cache.shared_page import (
    EPOCH,
    FLOOR,
    HEADER,
    LATEST,
    MAGIC,
    MARK,
    SIZE,
    SLOTS,
    UNSURE,
    SharedPage,
    slot_of,
    slots_of,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "page"


def opened(path: Path) -> SharedPage:
    page = SharedPage(path)
    page.open()
    return page


def test_a_new_page_is_sure_of_nothing_until_it_begins(path: Path) -> None:
    page = opened(path)
    assert not page.untouched((), 10**17)
    page.begin(5)
    assert page.untouched((slot_of("a"),), 5)
    assert not page.untouched((slot_of("a"),), 4)
    page.begin(9)  # begins once
    assert page.untouched((), 5)
    page.close()


def test_a_raised_slot_concerns_its_tag_only(path: Path) -> None:
    page = opened(path)
    page.begin(5)
    a, b = slots_of(["a", "b"])
    before = page.words[EPOCH]
    page.raise_slots([a], 6)
    assert page.words[EPOCH] != before
    assert not page.untouched((a,), 5)
    assert not page.untouched((b, a), 5)
    assert page.untouched((b,), 5)
    assert page.untouched((a, b), 6)
    assert page.latest == 6


def test_a_slot_never_sinks(path: Path) -> None:
    page = opened(path)
    page.begin(1)
    page.raise_slots([slot_of("a")], 9)
    epoch = page.words[EPOCH]
    page.raise_slots([slot_of("a")], 7)
    assert not page.untouched((slot_of("a"),), 8)
    assert page.words[EPOCH] != epoch  # whoever knows 9 has not seen 7 in its place
    assert page.latest == 9


def test_the_floor(path: Path) -> None:
    page = opened(path)
    page.begin(1)
    page.raise_floor(10)
    assert not page.untouched((), 9)
    assert page.untouched((), 10)
    page.raise_floor(4)
    assert not page.untouched((), 9)
    epoch = page.words[EPOCH]
    page.touch()
    assert page.words[EPOCH] != epoch
    assert page.latest == 10


def test_two_pages_over_one_file(path: Path) -> None:
    one, two = opened(path), opened(path)
    one.begin(1)
    two.raise_slots([slot_of("a")], 5)
    assert not one.untouched((slot_of("a"),), 4)
    assert one.words[EPOCH] == two.words[EPOCH]
    one.close()
    assert not one.untouched((), UNSURE - 1)
    two.raise_slots([slot_of("b")], 6)
    two.close()


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * SIZE, b"\0" * (SIZE - 1), os.urandom(SIZE), b"\0" * (SIZE + 8)])
def test_a_file_that_is_no_page_is_replaced(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    page = opened(path)
    assert page.words[MARK] == MAGIC
    assert page.words[FLOOR] == UNSURE
    assert path.stat().st_size == SIZE
    assert [file.name for file in path.parent.iterdir()] == ["page"]
    page.close()


def test_a_page_that_is_replaced_tells_those_who_still_have_it(path: Path) -> None:
    one, two = opened(path), opened(path)
    one.begin(1)
    assert two.untouched((), 1)
    path.unlink()
    assert not one.current()
    one.raise_slots([slot_of("a")], 5)
    assert one.current()
    assert not two.current()
    assert not two.untouched((), 10**17)
    two.open()
    assert two.words[EPOCH] == one.words[EPOCH]
    one.close()
    two.close()


def test_a_page_that_was_cut_is_replaced_before_it_is_written(path: Path) -> None:
    page = opened(path)
    page.begin(1)
    os.truncate(path, 100)
    page.raise_slots([slot_of("a")], 5)
    assert path.stat().st_size == SIZE
    assert page.latest == 5
    page.close()


def test_a_private_page(path: Path) -> None:
    page = SharedPage()
    page.open()
    page.begin(1)
    page.raise_slots([slot_of("a")], 2)
    assert not page.untouched((slot_of("a"),), 1)
    assert page.current()
    shared = opened(path)
    shared.begin(1)
    other = opened(path)
    shared.make_private()
    assert not shared.untouched((), 1)
    shared.begin(3)
    assert shared.untouched((), 3)
    assert not other.untouched((), 1)  # what its writer does from now on is not seen there
    other.close()


def test_a_page_of_another_user_in_a_folder_of_all_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    folder.chmod(0o1777)
    page = opened(folder / "page")
    page.close()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(OSError, match="another user"):
        opened(folder / "page")


def test_a_link_in_place_of_the_page_is_not_followed(path: Path) -> None:
    path.parent.mkdir()
    target = path.parent / "other"
    target.write_bytes(b"not yours")
    path.symlink_to(target)
    with pytest.raises(OSError, match="page"):
        opened(path)
    assert target.read_bytes() == b"not yours"


def test_tags_are_spread_over_the_slots_and_alike_in_every_process() -> None:
    slots = {slot_of(f"tag {number}") for number in range(3 * SLOTS)}
    assert len(slots) > 0.9 * SLOTS
    assert min(slots) >= HEADER
    assert max(slots) < HEADER + SLOTS
    code = "from waypost.cache.shared_page import slot_of; print(slot_of('\\ud800'), slot_of('posts'))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == [str(slot_of("\ud800")), str(slot_of("posts"))]


def test_a_process_that_dies_with_the_lock_stops_nobody(path: Path) -> None:
    page = opened(path)
    page.begin(1)
    code = (
        "import fcntl, os, sys, time; fcntl.flock(os.open(sys.argv[1], os.O_RDWR), fcntl.LOCK_EX);"
        "print(1, flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    page.raise_slots([slot_of("a")], 2)  # stopped, not dead: not waited for
    # It may go on at any time and lower what was raised: nobody is sure.
    assert not page.untouched((slot_of("b"),), 10**17)
    holder.kill()
    holder.communicate()
    page.begin(3)
    assert page.untouched((slot_of("b"),), 3)
    page.raise_slots([slot_of("a")], 4)
    assert page.words[LATEST] == 4
    page.close()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted as Linux does")
def test_a_page_for_which_the_disk_has_no_room_leaves_nothing_open(path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            SharedPage(path).open()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert not [link for link in links if link.readlink().parent == path.parent]
    assert list(path.parent.iterdir()) == []


def test_raising_again_what_is_raised_moves_the_epoch_all_the_same(path: Path) -> None:
    """Who raised it first may be between the slots and the epoch, and readers look at the epoch."""
    page = opened(path)
    page.begin(1)
    page._put(slot_of("a"), 5)  # so far the other one has come
    epoch = page.words[EPOCH]
    page.raise_slots([slot_of("a")], 5)
    assert page.words[EPOCH] != epoch
    page.close()


USE = """
import sys; from pathlib import Path; from waypost.cache.shared_page import SharedPage
page = SharedPage(Path(sys.argv[1]), temporary=True); page.open(); print(1, flush=True); sys.stdin.read(); page.close()
"""


def test_the_last_user_of_a_temporary_page_removes_it(path: Path) -> None:
    users = [
        subprocess.Popen([sys.executable, "-c", USE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    for user in users:
        assert user.stdout is not None
        assert user.stdout.readline() == b"1\n"
    for user in users[:2]:
        user.communicate()
        assert path.exists()
    users[2].communicate()
    assert not path.exists()
