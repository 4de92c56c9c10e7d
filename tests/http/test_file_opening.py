from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.http.traversal import NAMES, SECRET, make_root

from waypost.errors import NoSuchFile
from waypost.http import file_opening
from waypost.http.file_names import is_device, is_safe_name, safe_segments
from waypost.http.file_opening import OpenFile, open_own, open_within


def _content(file: OpenFile) -> bytes:
    try:
        return os.pread(file.fd, file.size, 0)
    finally:
        os.close(file.fd)


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("files"))


@pytest.fixture(params=["by descriptor", "by path"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of opening: the second is for systems that can't open below a descriptor."""
    if request.param == "by path":
        monkeypatch.setattr(file_opening, "_BY_DESCRIPTOR", False)


def test_there_are_enough_names() -> None:
    assert len(NAMES) >= 300


def test_no_name_leads_anywhere(root: Path, way: None) -> None:
    before = _open_files()
    seen: list[str] = []
    for name in NAMES:
        for form in (name, [name], name.split("/"), name.replace("\\", "/").split("/")):
            try:
                content = _content(open_within(root, form))
            except NoSuchFile as error:
                assert (error.status, error.message) == (404, "File not found")
            else:
                # Segment by segment some of them are honest: what counts is that it is a file below the root.
                assert isinstance(form, list)
                assert len(form) > 1
                assert content != SECRET.encode()
                seen.append("/".join(form))
    assert set(seen) <= {"sub/b.txt"}
    assert _open_files() == before


def test_what_is_there_is_opened(root: Path, way: None) -> None:
    assert _content(open_within(root, "a.txt")) == b"public"
    assert _content(open_within(str(root), ["sub", "b.txt"])) == b"below"
    assert _content(open_within(os.path.relpath(root), "a.txt")) == b"public"
    assert _content(open_own(root / "a.txt")) == b"public"


def test_the_folder_itself_may_be_a_link(root: Path, tmp_path: Path, way: None) -> None:
    (tmp_path / "current").symlink_to(root)
    assert _content(open_within(tmp_path / "current", "a.txt")) == b"public"


@pytest.mark.parametrize(
    "name", ["naïve 中文.txt", "a b", "a'b", "a*b", "12:30.txt", "%2e%2e", "~x", "console", "com10", "x" * 255]
)
def test_odd_but_honest_names(tmp_path: Path, name: str, way: None) -> None:
    (tmp_path / name).write_text("fine")
    assert _content(open_within(tmp_path, name)) == b"fine"


def test_a_folder_that_is_missing_is_the_programs_fault(tmp_path: Path, way: None) -> None:
    with pytest.raises(FileNotFoundError):
        open_within(tmp_path / "nowhere", "a.txt")


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.EMFILE, errno.EPERM])
def test_a_machine_at_fault_is_not_a_missing_file(root: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    real = os.open

    def failing(path: str, flags: int, *more: int, dir_fd: int | None = None) -> int:
        if path == "a.txt" or str(path).endswith("/a.txt"):
            raise OSError(code, os.strerror(code))
        return real(path, flags, *more, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", failing)
    before = _open_files()
    for attempt in (lambda: open_within(root, "a.txt"), lambda: open_own(root / "a.txt")):
        with pytest.raises(OSError, match=os.strerror(code)) as caught:
            attempt()
        assert caught.value.errno == code
    assert _open_files() == before


def test_a_folder_swapped_for_a_link_on_the_way(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two steps somebody puts a link where a folder was: the walk must not follow it."""
    base = tmp_path / "base"
    (base / "deep").mkdir(parents=True)
    (base / "deep" / "secret.txt").write_text("honest")
    (tmp_path / "secret.txt").write_text(SECRET)
    real = os.open
    swapped: list[str] = []

    def racing(path: str, flags: int, *more: int, dir_fd: int | None = None) -> int:
        if path == "deep" and not swapped:
            swapped.append(path)
            (base / "deep" / "secret.txt").unlink()
            (base / "deep").rmdir()
            (base / "deep").symlink_to(tmp_path)
        return real(path, flags, *more, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", racing)
    with pytest.raises(NoSuchFile):
        open_within(base, ["deep", "secret.txt"])
    assert swapped


@pytest.mark.parametrize("path", ["{}/../secret.txt", "{}/sub/../a.txt", "..", "{}\\..\\x"])
def test_a_path_of_ones_own_must_not_climb(root: Path, path: str) -> None:
    with pytest.raises(ValueError, match=r"Response\.file\(folder, name\)"):
        open_own(path.format(root))


@pytest.mark.parametrize("name", ["nothing", "sub", "fifo", "socket", "dangling", "x" * 300])
def test_a_path_of_ones_own_that_is_no_file(root: Path, name: str) -> None:
    with pytest.raises(NoSuchFile):
        open_own(root / name)


@pytest.mark.parametrize("name", [3, b"a.txt", ["a", 3], [b"a"]])
def test_a_name_that_is_no_text(root: Path, name: object) -> None:
    with pytest.raises(TypeError):
        open_within(root, name)  # type: ignore[arg-type]  # what is tested


def test_depth_is_bounded(root: Path) -> None:
    assert safe_segments(["a"] * 64) is not None
    assert safe_segments(["a"] * 65) is None
    assert safe_segments([]) is None


@given(st.text())
def test_a_safe_name_is_one_segment_everywhere(name: str) -> None:
    import ntpath
    import posixpath

    if is_safe_name(name):
        for paths in (posixpath, ntpath):
            assert paths.normpath(paths.join("root", name)) == paths.join("root", name)
            assert paths.basename(name) == name
            assert not paths.isabs(name)
        assert "\x00" not in name
        assert not is_device(name)
