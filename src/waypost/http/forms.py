"""Request bodies that are forms: which kind it is, and from its bytes to a FormData.

Small files stay in memory, large ones go to disk in a worker thread. The entry to everything about forms: what other
modules need is importable from here. Knows no request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from waypost.errors import BodyTooLarge, InvalidForm, UnsupportedMediaType
from waypost.http.blob import File
from waypost.http.form_data import FormData, FormValue
from waypost.http.form_limits import FormLimits
from waypost.http.mime import media_essence, parse_media_type
from waypost.http.multipart_reader import MultipartReader, Part, multipart_boundary
from waypost.http.multipart_writer import encode_multipart
from waypost.http.spool import DiskSpan, Spool
from waypost.http.urlencoded import encode_urlencoded, parse_urlencoded

__all__ = [
    "FormData", "FormLimits", "FormValue", "Part", "check_form", "encode_multipart", "encode_urlencoded", "iter_parts",
    "parse_form", "parse_urlencoded",
]  # fmt: skip

_MULTIPART = "multipart/form-data"
_URLENCODED = "application/x-www-form-urlencoded"
_WRITE_SIZE = 262_144  # bytes for each hop to the worker thread that writes
_PARSE_INLINE = 65_536  # a longer urlencoded body is parsed in a worker thread: 1 MiB of escapes takes 100 ms


async def parse_form(
    content_type: str | None, chunks: AsyncIterator[bytes], limits: FormLimits | None = None
) -> FormData:
    """The form that a body holds; `chunks` is read to its end and closed.

    Raises UnsupportedMediaType (415) unless content_type is one of the two form types, InvalidForm (400) for a
    malformed or truncated form, BodyTooLarge (413) past a limit, and what the chunks raise. Whatever it raises, no
    file is left. The caller closes the FormData when its files are no longer needed.
    """
    limits = limits or FormLimits()
    try:
        essence = media_essence(content_type)
        if essence == _URLENCODED:
            if parse_media_type(content_type or "") is None:
                raise InvalidForm("The Content-Type of the form is malformed")
            return await _parse_urlencoded(chunks, limits)
        if essence == _MULTIPART:
            return await _parse_multipart(MultipartReader(multipart_boundary(content_type or ""), chunks, limits))
        raise UnsupportedMediaType(f"Content-Type must be {_MULTIPART} or {_URLENCODED}")
    finally:
        await _close(chunks)


def check_form(form: FormData, limits: FormLimits) -> None:
    """Hold a form that was read under other limits to these. Raises as parse_form does."""
    from waypost.http.sniff import is_accepted

    files = form.files()
    if len(files) > limits.max_files:
        raise BodyTooLarge(f"The form has more than {limits.max_files} files")
    fields = [value for value in form.values() if isinstance(value, str)]
    if len(fields) > limits.max_fields:
        raise BodyTooLarge(f"The form has more than {limits.max_fields} fields")
    if any(len(value.encode()) > limits.max_field_size for value in fields):
        raise BodyTooLarge(f"A field of the form is larger than {limits.max_field_size} bytes")
    for file in files:
        if limits.max_file_size is not None and file.size > limits.max_file_size:
            raise BodyTooLarge(f"A file of the form is larger than {limits.max_file_size} bytes")
        if limits.accept is not None and (file.size or file.name) and not is_accepted(file.sniffed_type, limits.accept):
            raise UnsupportedMediaType("A file of the form is of a type that is not accepted")


def iter_parts(
    content_type: str | None, chunks: AsyncIterator[bytes], limits: FormLimits | None = None
) -> AsyncGenerator[Part, None]:
    """The parts of a multipart body as they come; a part is read before the next one is asked for, or skipped.

    Raises UnsupportedMediaType and InvalidForm at once for a wrong content type, the rest as parse_form does.
    """
    if media_essence(content_type) != _MULTIPART:
        raise UnsupportedMediaType(f"Content-Type must be {_MULTIPART}")
    return _parts(MultipartReader(multipart_boundary(content_type or ""), chunks, limits or FormLimits()), chunks)


async def _parts(reader: MultipartReader, chunks: AsyncIterator[bytes]) -> AsyncGenerator[Part, None]:
    try:
        while (part := await reader.next_part()) is not None:
            yield part
    finally:
        await _close(chunks)


async def _close(chunks: Any) -> None:
    if hasattr(chunks, "aclose"):
        await chunks.aclose()


async def _parse_urlencoded(chunks: AsyncIterator[bytes], limits: FormLimits) -> FormData:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limits.max_fields_size:
            raise BodyTooLarge(f"The fields of the form are larger than {limits.max_fields_size} bytes together")
    data = bytes(body)
    if len(data) > _PARSE_INLINE:
        return FormData(await asyncio.to_thread(parse_urlencoded, data, limits))
    return FormData(parse_urlencoded(data, limits))


async def _parse_multipart(reader: MultipartReader) -> FormData:
    form = FormData()
    memory = reader.limits.spool_size
    try:
        while (part := await reader.next_part()) is not None:
            if part.filename is None:
                form.append(part.name, await part.text())
                continue
            file = await _receive_file(part, part.filename, memory)
            form.append(part.name, file)
            if not file.on_disk:
                memory -= file.size
    except BaseException:
        form.close()
        raise
    return form


async def _receive_file(part: Part, name: str, memory: int) -> File:
    """The file of a part: in memory if it has at most `memory` bytes, else on disk."""
    from waypost.http.sniff import sniff  # as the parser of multipart: a request that uploads something pays for it

    waiting = bytearray()
    spool: Spool | None = None
    sniffed: str | None = None
    try:
        async for chunk in part.chunks():
            waiting += chunk
            if spool is None:
                if part.size <= memory:
                    continue
                spool = await asyncio.to_thread(Spool)
            if len(waiting) >= _WRITE_SIZE:
                sniffed = sniffed or sniff(waiting)  # now, while the first bytes are in memory
                await asyncio.to_thread(spool.write, waiting)
                waiting = bytearray()
        if spool is None:
            return File.of([bytes(waiting)], name, part.content_type)
        sniffed = sniffed or sniff(waiting)
        await asyncio.to_thread(spool.write, waiting)
    except BaseException:
        if spool is not None:
            spool.close()
        raise
    return File.of([DiskSpan(spool, 0, spool.size)], name, part.content_type, sniffed)
