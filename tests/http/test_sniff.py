from __future__ import annotations

import gzip
import io
import sqlite3
import struct
import tarfile
import wave
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost import sniff
from waypost.http.sniff import SNIFF_SIZE, UNKNOWN, checked_accept, is_accepted


def _zip(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x" * 100)
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return buffer.getvalue()


def _wave() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80" * 10)
    return buffer.getvalue()


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def _sqlite(tmp_path: Path) -> bytes:
    file = tmp_path / "db"
    connection = sqlite3.connect(file)
    connection.execute("create table t (x)")
    connection.commit()
    connection.close()
    return file.read_bytes()


SAMPLES = {
    "png": (_png(), "image/png"),
    "jpeg": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"),
    "gif": (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "image/gif"),
    "webp": (b"RIFF\x1a\x00\x00\x00WEBPVP8L", "image/webp"),
    "bmp": (b"BM\x46\x00\x00\x00\x00\x00", "image/bmp"),
    "tiff": (b"II*\x00\x08\x00\x00\x00", "image/tiff"),
    "avif": (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1", "image/avif"),
    "avif by mif1": (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avif", "image/avif"),
    "heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "image/heic"),
    "mp4": (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2", "video/mp4"),
    "mov": (b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  ", "video/quicktime"),
    "m4a": (b"\x00\x00\x00\x18ftypM4A \x00\x00\x02\x00M4A ", "audio/mp4"),
    "webm": (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm", "video/webm"),
    "mkv": (b"\x1aE\xdf\xa3\xa3B\x86\x81\x01B\xf7\x81\x01B\x82\x88matroska", "video/x-matroska"),
    "mp3": (b"ID3\x04\x00\x00\x00\x00\x00\x00", "audio/mpeg"),
    "bare mp3": (b"\xff\xfb\x90d\x00\x00", "audio/mpeg"),
    "wav": (_wave(), "audio/wav"),
    "ogg": (b"OggS\x00\x02" + b"\x00" * 20, "application/ogg"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
    "zip": (_zip("a.txt"), "application/zip"),
    "docx": (_zip("[Content_Types].xml"), "application/zip"),
    "gzip": (gzip.compress(b"x"), "application/gzip"),
    "tar": (_tar(), "application/x-tar"),
    "exe": (b"MZ\x90\x00\x03\x00\x00\x00", "application/vnd.microsoft.portable-executable"),
    "elf": (b"\x7fELF\x02\x01\x01\x00", "application/x-elf"),
    "wasm": (b"\x00asm\x01\x00\x00\x00", "application/wasm"),
    "html": (b"\xef\xbb\xbf \n<!doctype HTML><p>", "text/html"),
    "html by a comment": (b"<!-- x --><b>", "text/html"),
    "script": (b"<script>alert(1)</script>", "text/html"),
    "html with svg in it": (b"<div><svg onload=alert(1)></div>", "text/html"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    "svg in xml": (b"<?xml version='1.0'?>\n<!-- c -->\n<svg onload='alert(1)'/>", "image/svg+xml"),
    "xml": (b"<?xml version='1.0'?><feed/>", "text/xml"),
    "text": ("naïve, text\n".encode(), "text/plain"),
    "utf-16": ("﻿text".encode("utf-16-le"), "text/plain"),
    "csv": (b"name,price\nA,1\n", "text/plain"),
    "json": (b'{"a": 1}', "text/plain"),
    "python": (b"#!/usr/bin/env python\nprint('<b>')", "text/plain"),
    "text that begins as an exe": (b"MZ and other letters\n", "text/plain"),
    "text that begins as a bitmap": (b"BM is short for Benchmark\n", "text/plain"),
    "less than": (b"<3 you\n", "text/plain"),
    "empty": (b"", "text/plain"),
    "binary": (b"\x01\x02\x03\x04", UNKNOWN),
    "php in a gif": (b"GIF89a<?php system($_GET['c']); ?>", "image/gif"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(name: str) -> None:
    data, expected = SAMPLES[name]
    assert sniff(data) == expected
    if expected != "text/plain":
        assert sniff(data + b"\x00" * 5000) == expected


def test_a_database(tmp_path: Path) -> None:
    assert sniff(_sqlite(tmp_path)) == "application/vnd.sqlite3"


@given(st.binary(max_size=3000))
def test_any_bytes_have_a_type_and_the_first_ones_decide(data: bytes) -> None:
    kind = sniff(data)
    assert kind.count("/") == 1
    assert sniff(data[:SNIFF_SIZE]) == sniff(bytearray(data)) == kind
    assert is_accepted(kind, [kind])
    assert is_accepted(kind, [kind.partition("/")[0] + "/*"])


@pytest.mark.parametrize(
    ("sample", "accept", "expected"),
    [
        ("png", ["image/png"], True),
        ("png", ["image/*"], True),
        ("png", ["IMAGE/PNG "], True),
        ("png", ["image/jpeg", "application/pdf"], False),
        ("png", [], False),
        ("jpeg", ["image/jpg"], True),
        ("svg", ["image/png", "image/webp"], False),
        ("svg", ["image/*"], True),
        ("html", ["text/plain"], False),
        ("html", ["text/csv"], False),
        ("csv", ["text/csv"], True),
        ("json", ["application/json"], True),
        ("xml", ["application/json"], False),
        ("docx", ["application/vnd.openxmlformats-officedocument.wordprocessingml.document"], True),
        ("exe", ["application/vnd.openxmlformats-officedocument.wordprocessingml.document"], False),
        ("exe", ["image/*", "text/*"], False),
        ("ogg", ["audio/ogg"], True),
        ("binary", ["application/octet-stream"], True),
        ("png", ["application/octet-stream"], False),
    ],
)
def test_what_is_accepted(sample: str, accept: list[str], expected: bool) -> None:
    assert is_accepted(sniff(SAMPLES[sample][0]), accept) is expected


@pytest.mark.parametrize("entry", ["image/pgn", "png", ".png", "picture/*", "*/*", "", "image/png; q=1"])
def test_a_type_that_nothing_is_of_is_the_programs_mistake(entry: str) -> None:
    with pytest.raises(ValueError, match="accept="):
        checked_accept(entry)


def test_accept_as_text_or_list() -> None:
    assert checked_accept(None) is None
    assert checked_accept("image/png") == ("image/png",)
    assert checked_accept({"image/png": 1}) == ("image/png",)
