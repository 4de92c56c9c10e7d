from __future__ import annotations

import asyncio
import contextlib
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import BodyTooLarge, BodyUsedError, InvalidForm, UnsupportedMediaType
from waypost.http.blob import File
from waypost.http.form_data import FormData
from waypost.http.form_limits import FormLimits
from waypost.http.forms import iter_parts
from waypost.http.multipart_writer import encode_multipart

TYPE = "multipart/form-data; boundary=b"
FIELD = b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
END = b"\r\n--b--\r\n"


async def _chunks(data, size=65_536):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def _cut(data, places):
    for start, end in pairwise([0, *sorted(places), len(data)]):
        yield data[start:end]


async def _collect(chunks, content_type=TYPE, limits=None):
    return [
        (part.name, part.filename, dict(part.headers), b"".join([chunk async for chunk in part]))
        async for part in iter_parts(content_type, chunks, limits)
    ]


def _parts(data, limits=None, size=65_536, content_type=TYPE):
    return asyncio.run(_collect(_chunks(data, size), content_type, limits))


def _example():
    form = FormData(
        [
            ("text", "a\r\n--b\r\n--b-"),
            ("file", File([b"\r\n--b\r\r\n-\r\n--", b"\r" * 90], "naïve 日本.txt", type="text/plain")),
            ("empty", File([], "")),
            ("", ""),
        ]
    )
    content_type, data = encode_multipart(form)
    # The same boundary in every run, one that the contents nearly hold.
    boundary = content_type.partition("boundary=")[2].encode()
    return "multipart/form-data; boundary=bb", data.replace(boundary, b"bb")


EXAMPLE_TYPE, EXAMPLE = _example()
EXAMPLE_PARTS = _parts(EXAMPLE, content_type=EXAMPLE_TYPE)


def test_the_example():
    assert [part[:2] for part in EXAMPLE_PARTS] == [
        ("text", None), ("file", "naïve 日本.txt"), ("empty", ""), ("", None),
    ]  # fmt: skip
    assert EXAMPLE_PARTS[0][3] == b"a\r\n--b\r\n--b-"
    assert EXAMPLE_PARTS[1][2]["content-type"] == "text/plain"


# -- however the network cuts it


@given(st.sets(st.integers(0, len(EXAMPLE)), max_size=12))
def test_the_cuts_between_chunks_change_nothing(places):
    assert asyncio.run(_collect(_cut(EXAMPLE, places), EXAMPLE_TYPE)) == EXAMPLE_PARTS


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_small_chunks_change_nothing(size):
    assert _parts(EXAMPLE, size=size, content_type=EXAMPLE_TYPE) == EXAMPLE_PARTS


def test_a_line_break_after_the_end_may_come_in_a_chunk_of_its_own():
    async def chunks():
        for chunk in (FIELD + b"x\r\n--b--", b"", b"\r\n", b"epilogue"):
            yield chunk

    assert [part[3] for part in asyncio.run(_collect(chunks()))] == [b"x"]


def test_every_truncation_raises():
    complete = len(EXAMPLE) - 2  # the line break after the closing boundary may be missing
    assert _parts(EXAMPLE[:complete], content_type=EXAMPLE_TYPE) == EXAMPLE_PARTS
    for end in range(complete):
        with pytest.raises(InvalidForm):
            _parts(EXAMPLE[:end], content_type=EXAMPLE_TYPE)


@given(st.integers(0, len(EXAMPLE) - 3), st.sets(st.integers(0, len(EXAMPLE)), max_size=5))
def test_every_truncation_raises_however_it_is_cut(end, places):
    with pytest.raises(InvalidForm):
        asyncio.run(_collect(_cut(EXAMPLE[:end], {place for place in places if place < end}), EXAMPLE_TYPE))


@given(st.binary(max_size=60), st.booleans())
def test_no_bytes_raise_anything_but_our_errors(data, after_boundary):
    with contextlib.suppress(InvalidForm, BodyTooLarge):
        _parts((b"--b\r\n" if after_boundary else b"") + data, FormLimits())


@given(st.lists(st.sampled_from([b"--b", b"\r\n", b"--", b"\r", b"\n", FIELD, b"Content-Disposition: form-data; name=f",
                                 b"X: y", b"b", b": ", b" ", END]), max_size=12))  # fmt: skip
def test_the_same_verdict_whole_and_byte_by_byte(pieces):
    def verdict(size):
        try:
            return _parts(b"--b" + b"".join(pieces), size=size)
        except InvalidForm:
            return "refused"

    assert verdict(65_536) == verdict(1)


# -- content types


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "multipart/mixed; boundary=b", "application/x-www-form-urlencoded", "nonsense"],
)
def test_another_type_is_415(content_type):
    with pytest.raises(UnsupportedMediaType) as caught:
        iter_parts(content_type, _chunks(b""))
    assert caught.value.status == 415


@pytest.mark.parametrize(
    "parameters",
    ["", "; boundary", "; boundary=", '; boundary=""', "; boundary=a b", "; boundary=b; boundary=c", "; boundary=bé",
     '; boundary="b "', "; boundary=" + "b" * 71, "; boundary=" + "b" * 10_240, '; boundary="b\\\r"',
     '; boundary="a;b"', '; !="' + "\\\\" * 10_000, '; boundary="' + "\\" * 20_000],
)  # fmt: skip
def test_a_boundary_that_is_missing_or_malformed_is_400(parameters):
    start = time.thread_time()
    with pytest.raises(InvalidForm):
        iter_parts("multipart/form-data" + parameters, _chunks(b""))
    assert time.thread_time() - start < 0.05


@pytest.mark.parametrize("parameters", ['; boundary="b"', ";boundary=b;charset=utf-8", "; BOUNDARY=b"])
def test_spellings_of_the_boundary(parameters):
    assert _parts(FIELD + b"x" + END, content_type="Multipart/Form-Data" + parameters)[0][3] == b"x"


def test_a_boundary_of_70_characters():
    boundary = ("a'()+_,-./:=?" * 6)[:70]
    data = (FIELD + b"x" + END).replace(b"--b", b"--" + boundary.encode())
    assert _parts(data, content_type=f'multipart/form-data; boundary="{boundary}"')[0][3] == b"x"


# -- malformed bodies


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"--b",
        b"--b\r\n",
        b"--b\r\n\r\n",
        b"--b-",
        b"--c--",
        b"--b\n",
        b"preamble\r\n" + FIELD + b"x" + END,
        b"\r\n\r\n" + FIELD + b"x" + END,
        FIELD + b"x",
        FIELD + b"x\r\n--b",
        FIELD + b"x\r\n--b-",
        FIELD + b"x\r\n--bc" + END,
        FIELD + b"x\r\n--b \r\n" + END,
        FIELD + b"x\r\n--c--\r\n",
        FIELD.replace(b"\r\n", b"\n") + b"x" + END,
        FIELD.replace(b"form-data", b"attachment") + b"x" + END,
        FIELD.replace(b"name=", b"nome=") + b"x" + END,
        FIELD.replace(b"Content-Disposition", b"Content-Whatever") + b"x" + END,
        FIELD.replace(b"form-data;", b"form-data;\r\n ") + b"x" + END,
        b"--b\r\nno colon\r\n\r\nx" + END,
        b"--b\r\nBad Name: x\r\n" + FIELD[5:] + b"x" + END,
    ],
)
def test_malformed_bodies_are_refused(data):
    with pytest.raises(InvalidForm) as caught:
        _parts(data)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: Quoted-Printable",
        b"Content-Type: multipart/mixed; boundary=c",
        b"Content-Type: Multipart/Form-Data",
        b"Content-Type: a/b\r\nContent-Type: c/d",
        b'Content-Disposition: form-data; name="g"',
        b"Content-Length: 7",
        b"Content-Length: x",
        b"X-Long: " + b"y" * 9000,
        b"X-Long: " + b"y" * 5000 + b"\r\nX-Longer: " + b"y" * 5000,
        b"\r\n".join(b"X-%d: y" % number for number in range(20)),
    ],
)
def test_headers_of_a_part_that_are_refused(header):
    with pytest.raises(InvalidForm):
        _parts(FILE[:-2] + header + b"\r\n\r\nabc" + END)


@pytest.mark.parametrize("encoding", [b"binary", b"8BIT", b"7bit"])
def test_transfer_encodings_that_change_nothing_are_accepted(encoding):
    assert _parts(FILE[:-2] + b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\nabc" + END)[0][3] == b"abc"


def test_a_form_without_parts():
    assert _parts(b"--b--") == _parts(b"--b--\r\n") == []


def test_one_line_break_before_the_first_boundary_is_accepted():
    assert _parts(b"\r\n" + FIELD + b"x" + END)[0][3] == b"x"


# -- limits


def test_limits_of_number_and_size_are_413():
    limits = FormLimits(max_fields=2, max_files=1, max_field_size=3, max_fields_size=7)
    assert len(_parts(FIELD + b"123\r\n" + FILE + b"1234567\r\n" + FIELD + b"12" + END, limits)) == 3
    for data in (
        FIELD + b"1\r\n" + FIELD + b"2\r\n" + FIELD + b"3" + END,
        FILE + b"1\r\n" + FILE + b"2" + END,
        FIELD + b"1234" + END,
        FIELD + b"123\r\n" + FIELD + b"123" + END,
    ):
        with pytest.raises(BodyTooLarge) as caught:
            _parts(data, limits)
        assert caught.value.status == 413


@pytest.mark.parametrize(
    ("data", "size", "error"),
    [
        (b"\r" * 8_000_000, 65_536, InvalidForm),
        (b"\r\n" * 4_000_000, 65_536, InvalidForm),
        (FIELD + b"x" * 8_000_000 + END, 65_536, BodyTooLarge),
        (FIELD * 0 + b"--b\r\n" + b"X: y\r\n" * 100_000, 65_536, InvalidForm),
        (b"--b\r\nX: " + b"y" * 1_000_000, 65_536, InvalidForm),
        (b"--b\r\nX: " + b"y" * 1_000_000, 100, InvalidForm),
        ((FIELD + b"x\r\n") * 2_000 + b"--b--", 65_536, BodyTooLarge),
        ((FIELD + b"x\r\n") * 100_000 + b"--b--", 65_536, BodyTooLarge),
        ((FILE + b"x\r\n") * 100_000 + b"--b--", 65_536, BodyTooLarge),
        (b"--b\r\n" * 100_000, 65_536, InvalidForm),
        (b"--b\r\n", 65_536, InvalidForm),
    ],
    ids=["CR before", "CRLF before", "field", "headers", "header", "header slowly", "2000 fields", "100000 fields",
         "files", "boundaries", "no end of headers"],
)  # fmt: skip
def test_hostile_bodies_are_refused_fast(data, size, error):
    start = time.thread_time()
    with pytest.raises(error):
        _parts(data, FormLimits(), size)
    assert time.thread_time() - start < 0.3  # at most 20 ms on an idle machine


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (b"\r" * 8_000_000, 65_536),
        (b"\r" * 8_000_000, 1_024),
        (b"\r\n-" * 2_000_000, 65_536),
        (b"\r\n--" * 2_000_000, 4_096),
        (b"\r\n--c" * 1_500_000, 65_536),
        (b"x" * 20_000, 1),
        (b"\r" * 20_000, 1),
    ],
)
def test_contents_near_the_boundary_take_linear_time(content, size):
    start = time.thread_time()
    assert _parts(FILE + content + END, FormLimits(), size)[0][3] == content
    assert time.thread_time() - start < 1.5  # at most 80 ms on an idle machine


def test_an_epilogue_is_read_and_ignored():
    start = time.thread_time()
    assert len(_parts(FIELD + b"x" + END + b"\r\n--b\r\n" + b"\r\n" * 4_000_000)) == 1
    assert time.thread_time() - start < 0.5


def test_no_message_repeats_what_was_sent():
    for data in (FIELD.replace(b"form-data", b"secret"), b"--b\r\nsecret\r\n\r\n", b"secret" * 9):
        with pytest.raises(InvalidForm) as caught:
            _parts(data + b"secret" + END)
        assert "secret" not in caught.value.message


# -- reading part by part


def _run(reading, data=EXAMPLE, content_type=EXAMPLE_TYPE, limits=None):
    async def main():
        return await reading(iter_parts(content_type, _chunks(data, 50), limits))

    return asyncio.run(main())


def test_parts_may_be_skipped_or_read_halfway():
    async def reading(parts):
        names = []
        async for part in parts:
            names.append(part.name)
            if part.name == "file":
                assert len(await anext(part.chunks())) > 0
        return names

    assert _run(reading) == ["text", "file", "empty", ""]


def test_read_text_size_and_type():
    async def reading(parts):
        part = await anext(parts)
        assert part.content_type == "text/plain"
        assert await part.text() == "a\r\n--b\r\n--b-"
        assert part.size == 12
        part = await anext(parts)
        assert len(await part.read()) == part.size
        await parts.aclose()

    _run(reading)


def test_read_is_bounded():
    async def reading(parts):
        await anext(parts)
        with pytest.raises(BodyTooLarge):
            await (await anext(parts)).read(50)
        await parts.aclose()

    _run(reading)


def test_a_part_is_read_once_and_in_its_turn():
    async def reading(parts):
        first = await anext(parts)
        await first.read()
        with pytest.raises(BodyUsedError):
            await first.read()
        second = await anext(parts)
        await anext(parts)
        for passed in (first, second):
            with pytest.raises(BodyUsedError):
                await passed.read()
        await parts.aclose()

    _run(reading)


def test_a_truncated_file_raises_where_it_is_read():
    async def reading(parts):
        part = await anext(parts)
        received = bytearray()
        with pytest.raises(InvalidForm):
            async for chunk in part.chunks():
                received += chunk
        assert received == b"x" * 1000

    _run(reading, FILE + b"x" * 1000, TYPE)


def test_errors_of_the_body_pass_through_and_it_is_closed():
    async def main():
        closed = []

        async def chunks():
            try:
                yield FILE + b"x"
                raise ConnectionResetError
            finally:
                closed.append(True)

        with pytest.raises(ConnectionResetError):
            await _collect(chunks())
        assert closed == [True]

        parts = iter_parts(TYPE, chunks())
        await anext(parts)
        await parts.aclose()
        assert closed == [True, True]

    asyncio.run(main())


def test_a_body_that_fails_after_the_closing_boundary_raises():
    async def chunks():
        yield FIELD + b"x" + END
        raise BodyTooLarge("too large")

    with pytest.raises(BodyTooLarge):
        asyncio.run(_collect(chunks()))
