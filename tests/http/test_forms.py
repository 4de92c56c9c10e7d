from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import BodyTooLarge, InvalidForm, UnsupportedMediaType
from waypost.http.blob import File
from waypost.http.form_data import FormData
from waypost.http.form_limits import FormLimits
from waypost.http.forms import parse_form
from waypost.http.multipart_writer import encode_multipart
from waypost.http.spool import Spool

TYPE = "multipart/form-data; boundary=b"
URLENCODED = "application/x-www-form-urlencoded"
FIELD = b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
END = b"\r\n--b--\r\n"


async def _chunks(data, size=65_536):
    for start in range(0, len(data), size):
        yield data[start : start + size]


def _form(data, content_type=TYPE, limits=None, size=65_536):
    return asyncio.run(parse_form(content_type, _chunks(data, size), limits))


def _open_files():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")


# -- what Next.js has (behaviour 48)


def test_urlencoded_keeps_order_and_repeats():
    assert _form(b"a=1&b=%C3%B6&a=3+4", URLENCODED).entries() == [("a", "1"), ("b", "ö"), ("a", "3 4")]
    assert _form(b"", URLENCODED).entries() == []


@pytest.mark.parametrize(
    "content_type",
    [f"{URLENCODED}; charset=UTF-8", "Application/X-WWW-Form-Urlencoded", f"{URLENCODED};charset=windows-1252"],
)
def test_urlencoded_is_utf8_whatever_its_parameters(content_type):
    assert _form("a=ö".encode(), content_type).get("a") == "ö"


def test_multipart_keeps_order_and_repeats():
    form = _form(FIELD + b"1\r\n" + FILE + b"2\r\n" + FIELD + b"3" + END)
    assert [value if isinstance(value, str) else "file" for value in form.get_all("f")] == ["1", "file", "3"]


def test_a_part_with_a_filename_is_a_file_even_when_it_is_empty():
    file = _form(FILE.replace(b'"x"', b'""') + END).get("f")
    assert isinstance(file, File)
    assert (file.name, file.size) == ("", 0)


def test_a_file_without_content_type_is_text_plain():
    assert _form(FILE + b"x" + END).files()[0].type == "text/plain"
    typed = FILE[:-2] + b"Content-Type: Image/PNG; x=Y\r\n\r\n"
    assert _form(typed + b"x" + END).files()[0].type == "image/png; x=y"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "C:\\x", "a\0b", ".", "CON", "naïve 日本.txt", "x" * 5000]
)
def test_a_file_name_arrives_as_it_was_sent(name):
    file = _form(FILE.replace(b'"x"', f'"{name}"'.encode()) + b"1" + END).files()[0]
    assert file.name == name


def test_a_field_is_text_with_bad_bytes_replaced():
    assert _form(FIELD + b"\xff\xc3\xb6" + END).get("f") == "\ufffdö"


def test_contents_that_look_like_a_boundary():
    content = b"a\r\n--not\r\n\r\nb"
    assert asyncio.run(_form(FILE + content + END).files()[0].bytes()) == content


@pytest.mark.parametrize(
    "content_type", [None, "", "application/json", "text/plain", "multipart/mixed; boundary=b", "x"]
)
def test_another_content_type_is_415(content_type):
    with pytest.raises(UnsupportedMediaType):
        _form(b"a=1", content_type)


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        (f"{URLENCODED}; charset", b"a=1"),
        (f"{URLENCODED}; charset=a; charset=b", b"a=1"),
        ("multipart/form-data", FIELD + b"x" + END),
        ("multipart/form-data; boundary=", FIELD + b"x" + END),
        (TYPE, b""),
        (TYPE, FIELD + b"x"),
        (TYPE, FIELD + b"x\r\n--b\r\n"),
    ],
)
def test_a_broken_form_is_400(content_type, data):
    with pytest.raises(InvalidForm):
        _form(data, content_type)


def test_the_content_types_of_the_bad_inputs(corpora):
    rows = json.loads((corpora / "framework-bad-inputs.json").read_text("utf-8"))["content_types"]
    good = {
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=windows-1252",
        "Application/X-WWW-Form-Urlencoded",
    }
    for content_type in rows:
        if content_type in good:
            assert _form(b"a=1", content_type).get("a") == "1"
        else:
            with pytest.raises((InvalidForm, UnsupportedMediaType)):
                _form(FIELD + b"x" + END, content_type)


# -- limits


def test_urlencoded_limits_are_413():
    limits = FormLimits(max_fields=2, max_field_size=10, max_fields_size=20)
    for data in (b"a=1&b=2&c=3", b"a=" + b"x" * 11, b"a=" + b"x" * 19):
        with pytest.raises(BodyTooLarge):
            _form(data, URLENCODED, limits)


@pytest.mark.parametrize(
    "data", [b"a=1&" * 300_000, b"a=" + b"x" * 8_000_000, b"a;" * 4_000_000], ids=["fields", "field", "semicolons"]
)
def test_hostile_urlencoded_bodies_are_refused_fast(data):
    start = time.thread_time()
    with pytest.raises(BodyTooLarge):
        _form(data, URLENCODED)
    assert time.thread_time() - start < 0.2  # at most 15 ms on an idle machine


def test_a_body_over_its_limit_is_not_read_on():
    async def main():
        given_out = 0

        async def endless():
            nonlocal given_out
            while True:
                given_out += 1
                yield b"x" * 1000

        with pytest.raises(BodyTooLarge):
            await parse_form(URLENCODED, endless(), FormLimits(max_fields_size=10_000))
        assert given_out == 11

    asyncio.run(main())


# -- memory and disk


def test_files_stay_in_memory_up_to_the_spool_size_together():
    limits = FormLimits(spool_size=10)
    data = FILE + b"x" * 6 + b"\r\n" + FILE + b"y" * 5 + b"\r\n" + FILE + b"z" * 4 + b"\r\n" + FILE + b"1" + END
    form = _form(data, limits=limits)
    assert [file.on_disk for file in form.files()] == [False, True, False, True]
    assert [asyncio.run(file.text()) for file in form.files()] == ["xxxxxx", "yyyyy", "zzzz", "1"]
    form.close()
    with pytest.raises(ValueError, match="closed"):
        asyncio.run(form.files()[1].bytes())


@pytest.mark.parametrize("size", [1_000, 65_536, 5_000_000])
def test_a_large_file_goes_through_the_disk_unchanged(size):
    content = os.urandom(3_000_000)
    form = _form(FILE + content + END, size=size)
    file = form.files()[0]
    assert file.on_disk
    assert asyncio.run(file.bytes()) == content
    assert asyncio.run(file.slice(1_000_000, 1_000_010).bytes()) == content[1_000_000:1_000_010]
    form.close()


def test_the_disk_is_never_touched_on_the_event_loop(monkeypatch):
    threads: list[int] = []
    write, create = Spool.write, Spool.__init__

    def watch_write(self, data):
        threads.append(threading.get_ident())
        write(self, data)

    def watch_create(self):
        threads.append(threading.get_ident())
        create(self)

    monkeypatch.setattr(Spool, "write", watch_write)
    monkeypatch.setattr(Spool, "__init__", watch_create)
    _form(FILE + b"x" * 3_000_000 + END).close()
    assert 3 <= len(threads) <= 20
    assert threading.get_ident() not in threads


@needs_proc
@pytest.mark.parametrize("end", [b"", b"\r\n--b", b"\r\n" + FIELD + b"y" * 2_000_000 + END])
def test_a_form_that_fails_leaves_no_file(end):
    before = _open_files()
    with pytest.raises((InvalidForm, BodyTooLarge)):
        _form(FILE + b"x" * 3_000_000 + b"\r\n" + FILE + b"x" * 3_000_000 + end)
    assert _open_files() == before


@needs_proc
def test_a_client_that_leaves_or_a_handler_that_is_cancelled_leaves_no_file():
    before = _open_files()

    async def main():
        ended = asyncio.Event()

        async def chunks(reason):
            try:
                yield FILE + b"x" * 3_000_000
                if reason is not None:
                    raise reason
                await asyncio.sleep(60)
            finally:
                ended.set()

        with pytest.raises(ConnectionResetError):
            await parse_form(TYPE, chunks(ConnectionResetError()))
        assert ended.is_set()
        ended.clear()
        parsing = asyncio.create_task(parse_form(TYPE, chunks(None)))
        await asyncio.sleep(0.1)
        parsing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await parsing
        assert ended.is_set()

    asyncio.run(main())
    assert _open_files() == before


@needs_proc
def test_closing_a_form_frees_its_files_and_dropping_it_too():
    before = _open_files()
    form = _form(FILE + b"x" * 3_000_000 + END)
    file = form.files()[0]
    form.close()
    assert _open_files() == before
    assert file.size == 3_000_000
    del file, form
    form = _form(FILE + b"x" * 3_000_000 + END)
    assert _open_files() == before + 1
    del form
    assert _open_files() == before


def test_a_full_disk_is_an_os_error_and_leaves_nothing(monkeypatch):
    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "write", full)
    with pytest.raises(OSError, match="No space"):
        _form(FILE + b"x" * 3_000_000 + END)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the resident size from /proc")
def test_a_large_upload_needs_little_memory():
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    async def body():
        yield FILE
        chunk = b"x" * 65_536
        for _ in range(1_600):
            yield chunk
        yield END

    async def main():
        form = await parse_form(TYPE, body())
        grown = resident() - before
        size = form.files()[0].size
        form.close()
        return grown, size

    before = resident()
    grown, size = asyncio.run(main())
    assert size == 1_600 * 65_536
    assert grown < 20_000_000


def test_a_large_upload_leaves_the_event_loop_to_others():
    async def body():
        yield FILE
        chunk = b"x" * 65_536
        for _ in range(1_000):
            await asyncio.sleep(0)  # as a socket does
            yield chunk
        yield END

    async def main():
        pauses = []

        async def tick():
            while True:
                start = time.thread_time()
                await asyncio.sleep(0)
                pauses.append(time.thread_time() - start)

        ticking = asyncio.create_task(tick())
        (await parse_form(TYPE, body())).close()
        ticking.cancel()
        return pauses

    pauses = asyncio.run(main())
    assert len(pauses) > 1_000
    assert max(pauses) < 0.25  # 3 ms on an idle machine


# -- whole forms, cut anywhere


name = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8).filter(lambda text: "%" not in text)
value = st.text(st.sampled_from("a\r\n-bö"), max_size=8).map(lambda text: text.replace("\r", "").replace("\n", "\r\n"))
content = st.lists(st.sampled_from([b"\r\n", b"--b", b"\r", b"\n", b"-", b"x"]), max_size=8).map(b"".join)
entries = st.lists(st.tuples(name, value | st.tuples(name, content)), max_size=4)


def _encoded(pairs):
    form = FormData([(key, item if isinstance(item, str) else File([item[1]], item[0])) for key, item in pairs])
    return encode_multipart(form)


async def _plain(form):
    return [(key, item if isinstance(item, str) else (item.name, await item.bytes())) for key, item in form.entries()]


@given(entries, st.lists(st.floats(0, 1), max_size=5), st.sampled_from([0, 3, 1000]))
def test_the_same_form_however_it_is_cut(pairs, places, spool_size):
    content_type, data = _encoded(pairs)
    cuts = [0, *sorted(int(place * len(data)) for place in places), len(data)]

    async def chunks():
        for start, end in pairwise(cuts):
            yield data[start:end]

    async def main():
        form = await parse_form(content_type, chunks(), FormLimits(spool_size=spool_size))
        assert await _plain(form) == pairs
        form.close()

    asyncio.run(main())


@given(entries, st.floats(0, 1, exclude_max=True))
def test_every_truncation_of_any_form_raises(pairs, place):
    content_type, data = _encoded(pairs)
    with pytest.raises(InvalidForm):
        _form(data[: int(place * (len(data) - 2))], content_type)
