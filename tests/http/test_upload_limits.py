"""Limits, types and progress of one call of form_data() and parts(); saving what came."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from waypost import BodyTooLarge, File, FormData, InvalidForm, Request, UnsupportedMediaType
from waypost.errors import BodyUsedError, ClientDisconnected
from waypost.http.body import RequestBody
from waypost.http.form_limits import FormLimits
from waypost.http.multipart_writer import encode_multipart
from waypost.http.request import incoming
from waypost.http.site import Connection, Site

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
TEXT = b"only text\n" * 300
DAMAGED: dict[str, tuple[int, int]] = {"in the head": (0, 60), "in a file": (0, 4000), "before the end": (0, -4)}


def _request(
    *entries: tuple[str, str | File], spool_size: int = 1 << 20, cut: tuple[int, int] | None = None
) -> Request:
    content_type, data = encode_multipart(FormData(entries))
    if cut is not None:
        data = data[cut[0] : cut[1]]
    raw = [(b"host", b"a"), (b"content-type", content_type.encode())]
    connection = Connection("http", None, None, Site(forms=FormLimits(spool_size=spool_size)))
    return incoming("POST", "/", raw, RequestBody.of(data), connection)


def _png(name: str = "x.png") -> File:
    return File([PNG], name, type="image/png")


def _both(request: Request, again: Request, **limits: Any) -> list[BaseException | None]:
    """What form_data() and parts() with these limits raise."""

    async def walk() -> None:
        async for part in again.parts(**limits):
            async for _ in part:
                pass

    async def main() -> list[BaseException | None]:
        results = await asyncio.gather(request.form_data(**limits), walk(), return_exceptions=True)
        return [item if isinstance(item, BaseException) else None for item in results]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"max_files": 1}, BodyTooLarge),
        ({"max_files": 2}, None),
        ({"max_fields": 0}, BodyTooLarge),
        ({"max_file_size": len(PNG) - 1}, BodyTooLarge),
        ({"max_file_size": len(PNG)}, None),
        ({"max_file_size": "1kb"}, BodyTooLarge),
        ({"max_field_size": 3}, BodyTooLarge),
        ({"max_field_size": 4}, None),
        ({"accept": "image/png"}, None),
        ({"accept": ["image/*"]}, None),
        ({"accept": ["application/pdf"]}, UnsupportedMediaType),
        ({"accept": []}, UnsupportedMediaType),
    ],
)
@pytest.mark.parametrize("spool_size", [0, 1 << 20])
@pytest.mark.parametrize("seen_before", [False, True])
def test_limits_of_a_call(
    limits: dict[str, Any], error: type[Exception] | None, spool_size: int, seen_before: bool
) -> None:
    entries = (("name", "text"), ("a", _png()), ("b", _png("y.png")))
    request, again = (_request(*entries, spool_size=spool_size) for _ in range(2))
    if seen_before:
        asyncio.run(request.form_data())  # middleware may have read the form without limits of its own
    raised = _both(request, again, **limits)
    assert [type(item) if item is not None else None for item in raised] == [error, error]


def test_limits_may_be_wider_than_the_configured_ones() -> None:
    field = ("text", "x" * (2 << 20))
    assert [type(item) for item in _both(_request(field), _request(field))] == [BodyTooLarge, BodyTooLarge]
    assert _both(_request(field), _request(field), max_field_size="3mb") == [None, None]
    huge = ("text", "x" * (5 << 20))
    assert _both(_request(huge), _request(huge), max_field_size="6mb") == [None, None]


@pytest.mark.parametrize("limits", [{"max_file_size": "x"}, {"accept": "image/pgn"}, {"max_field_size": -1}])
def test_limits_that_mean_nothing(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # the words are of setting.py and sniff.py
        asyncio.run(_request(("a", _png())).form_data(**limits))


def test_a_type_counts_by_its_bytes_not_by_what_is_claimed() -> None:
    fake = File([TEXT], "x.png", type="image/png")
    honest = File([PNG], "x.txt", type="text/plain")
    assert type(_both(_request(("a", fake)), _request(("a", fake)), accept="image/png")[0]) is UnsupportedMediaType
    assert _both(_request(("a", honest)), _request(("a", honest)), accept="image/png") == [None, None]


def test_an_empty_file_field_is_no_file() -> None:
    empty = ("a", File([], "", type="application/octet-stream"))
    assert _both(_request(empty), _request(empty), accept="image/png") == [None, None]
    named = ("a", File([], "x.png"))
    assert type(_both(_request(named), _request(named), accept="image/png")[0]) is UnsupportedMediaType


@pytest.mark.parametrize("spool_size", [0, 1 << 20])
def test_sniffed_types(spool_size: int) -> None:
    big = File([PNG * 100], "big.txt", type="text/plain")
    request = _request(("a", _png()), ("b", File([TEXT], "y.png", type="image/png")), ("c", big), spool_size=spool_size)
    form = asyncio.run(request.form_data())
    files = form.files()
    assert [file.on_disk for file in files] == [spool_size == 0] * 3
    assert [file.sniffed_type for file in files] == ["image/png", "text/plain", "image/png"]
    assert [file.type for file in files] == ["image/png", "image/png", "text/plain"]


def test_required_fields() -> None:
    form = FormData([("name", "Ada"), ("file", _png()), ("none", File([], "")), ("empty", File([], "e.txt"))])
    assert form.text("name") == "Ada"
    assert form.file("file").name == "x.png"
    assert form.file("empty").size == 0
    for missing in (lambda: form.file("name"), lambda: form.file("nothing"), lambda: form.file("none"),
                    lambda: form.text("file"), lambda: form.text("nothing"), lambda: form.file("name", None),
                    lambda: form.text("file", "x")):  # fmt: skip
        with pytest.raises(InvalidForm) as caught:
            missing()
        assert caught.value.status == 400
    assert form.file("nothing", None) is None
    assert form.file("none", None) is None
    assert form.text("nothing", None) is None
    assert form.text("nothing", "x") == "x"


# -- parts


def test_parts_can_be_looked_at_and_then_read() -> None:
    async def main() -> list[tuple[str, str, bytes]]:
        found = []
        empty = File([], "e")
        async for part in _request(("t", "text"), ("a", _png()), ("e", empty), ("b", _png("../y"))).parts():
            kind = await part.sniff()
            assert kind == await part.sniff()
            found.append((part.name, kind, await part.read(1 << 20)))
            with pytest.raises(BodyUsedError):
                await part.sniff()
        return found

    assert asyncio.run(main()) == [
        ("t", "text/plain", b"text"),
        ("a", "image/png", PNG),
        ("e", "text/plain", b""),
        ("b", "image/png", PNG),
    ]


def test_parts_that_were_only_looked_at_are_skipped() -> None:
    async def main() -> list[str]:
        names = []
        async for part in _request(("a", _png()), ("e", File([], "e")), ("t", "text")).parts():
            await part.sniff()
            names.append(part.name)
        return names

    assert asyncio.run(main()) == ["a", "e", "t"]


def test_parts_are_saved_as_they_come(tmp_path: Path) -> None:
    big = File([os.urandom(1_500_000)], "../../etc/passwd")

    async def main() -> list[Path]:
        paths = []
        async for part in _request(("a", _png()), ("t", "text"), ("b", big)).parts():
            if part.filename is not None:
                paths.append(await part.save(tmp_path, max_size="2mb"))
        return paths

    paths = asyncio.run(main())
    assert [path.stat().st_size for path in paths] == [len(PNG), 1_500_000]
    assert sorted(tmp_path.iterdir()) == sorted(paths)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b", "..", "../../../tmp/x"])
def test_a_part_is_never_saved_under_a_climbing_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()

    async def main() -> None:
        async for part in _request(("a", _png(name))).parts():
            assert part.filename == name
            with pytest.raises(ValueError, match="client's file name"):
                await part.save(folder / name)

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == [folder]
    assert list(folder.iterdir()) == []


# -- what breaks off


@pytest.mark.parametrize("where", DAMAGED)
def test_a_form_that_is_cut_raises_and_leaves_no_file(tmp_path: Path, where: str) -> None:
    async def save() -> None:
        async for part in _request(("a", _png()), cut=DAMAGED[where]).parts():
            await part.save(tmp_path)

    for work in (save(), _request(("a", _png()), spool_size=0, cut=DAMAGED[where]).form_data()):
        with pytest.raises(InvalidForm):
            asyncio.run(work)  # type: ignore[arg-type]  # both are coroutines
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", ["form", "parts"])
def test_a_client_that_leaves_raises_and_leaves_no_file(tmp_path: Path, way: str) -> None:
    content_type, data = encode_multipart(FormData([("a", _png()), ("b", _png())]))

    async def main() -> None:
        body = RequestBody(len(data))
        raw = [(b"host", b"a"), (b"content-type", content_type.encode())]
        connection = Connection("http", None, None, Site(forms=FormLimits(spool_size=0)))
        request = incoming("POST", "/", raw, body, connection)

        async def handler() -> None:
            if way == "form":
                await (await request.form_data()).file("a").save(tmp_path)
            async for part in request.parts():
                await part.save(tmp_path / part.name)

        task = asyncio.create_task(handler())
        for start in range(0, len(data) - 500, 500):
            body.feed(data[start : start + 500])
            await asyncio.sleep(0)
        request.abort()
        with pytest.raises(ClientDisconnected):
            await task

    asyncio.run(main())
    # Of a form that is saved part by part, the parts that were whole are there.
    assert [path.name for path in tmp_path.iterdir()] == ([] if way == "form" else ["a"])


# -- progress


def test_an_option_that_does_not_exist_is_told() -> None:
    misspelt: Any = {"max_filez": 1}

    async def read() -> None:
        await _request(("file", _png())).form_data(**misspelt)

    with pytest.raises(TypeError, match="no option 'max_filez': write max_files, max_fields"):
        asyncio.run(read())
    with pytest.raises(TypeError, match="no option 'max_filez'"):
        _request(("file", _png())).parts(**misspelt)


def test_progress_of_a_form() -> None:
    seen: list[tuple[int, int | None]] = []
    content_type, data = encode_multipart(FormData([("a", File([b"x" * 500_000], "x"))]))

    async def main(declared: int | None) -> None:
        body = RequestBody(declared)
        request = incoming(
            "POST", "/", [(b"host", b"a"), (b"content-type", content_type.encode())], body,
            Connection("http", None, None, Site()),
        )  # fmt: skip

        async def feed() -> None:
            for start in range(0, len(data), 10_000):
                body.feed(data[start : start + 10_000])
                await asyncio.sleep(0)
            body.finish()

        feeding = asyncio.create_task(feed())
        await request.form_data(on_progress=lambda size, total: seen.append((size, total)))
        await feeding

    for declared in (len(data), None):
        seen.clear()
        asyncio.run(main(declared))
        assert seen[-1] == (len(data), declared)
        assert 2 <= len(seen) <= 9
        assert seen == sorted(seen)


def test_a_progress_callback_that_fails_ends_the_upload() -> None:
    def report(size: int, total: int | None) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        asyncio.run(_request(("a", _png())).form_data(on_progress=report))


def test_progress_without_a_body() -> None:
    async def main() -> None:
        request = Request("http://a/", headers={"content-type": "multipart/form-data; boundary=b"})
        with pytest.raises(InvalidForm):
            await request.form_data(on_progress=lambda size, total: None)

    asyncio.run(main())
