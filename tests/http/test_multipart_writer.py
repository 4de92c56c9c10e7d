from __future__ import annotations

import asyncio
import re

from hypothesis import given
from hypothesis import strategies as st

from waypost.http.blob import File
from waypost.http.form_data import FormData
from waypost.http.forms import parse_form
from waypost.http.multipart_writer import encode_multipart


async def _chunks(data):
    yield data


async def _read_back(form):
    content_type, data = encode_multipart(form)
    again = await parse_form(content_type, _chunks(data))
    return [
        (name, value if isinstance(value, str) else (value.name, value.type, await value.bytes()))
        for name, value in again.entries()
    ]


def test_the_bytes():
    content_type, data = encode_multipart(FormData([("a", "1\n2"), ('n"\r', File(["x"], 'f"\n.txt', type="a/b"))]))
    match = re.fullmatch(r"multipart/form-data; boundary=([\w-]+)", content_type)
    assert match is not None
    assert data.decode() == (
        f'--{match[1]}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n2\r\n'
        f'--{match[1]}\r\nContent-Disposition: form-data; name="n%22%0D%0A"; filename="f%22%0A.txt"\r\n'
        f"Content-Type: a/b\r\n\r\nx\r\n--{match[1]}--\r\n"
    )


def test_an_empty_form_and_an_untyped_file():
    assert asyncio.run(_read_back(FormData())) == []
    assert asyncio.run(_read_back(FormData({"f": File([], "")}))) == [("f", ("", "application/octet-stream", b""))]


def test_boundaries_differ():
    assert len({encode_multipart(FormData())[0] for _ in range(20)}) == 20


text = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])).filter(
    lambda value: not re.search("%(22|0D|0A)", value)
)
file = st.builds(File, st.lists(st.binary(max_size=20)), text, type=st.sampled_from(["text/plain", "a/b;c=d"]))


@given(st.lists(st.tuples(text, text | file), max_size=4))
def test_what_was_written_is_read_again(entries):
    async def expected():
        return [
            (name, value if isinstance(value, str) else (value.name, value.type, await value.bytes()))
            for name, value in entries
        ]

    assert asyncio.run(_read_back(FormData(entries))) == asyncio.run(expected())
