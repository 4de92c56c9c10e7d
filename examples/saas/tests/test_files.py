"""Uploads and downloads: everyone their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from waypost import FormData
from waypost.testing import Client

from tests.conftest import SignIn, upload

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00" * 40


def kept() -> set[str]:
    from lib.files import UPLOADS

    return {path.name for path in UPLOADS.iterdir()} if UPLOADS.is_dir() else set()


def test_a_file_from_first_to_last(client: Client, sign_in: SignIn) -> None:
    sign_in("ada")
    answer = upload(client, b"My notes\n", "notes.txt")
    assert answer.status == 201, answer.text
    file = answer.json()
    assert (file["name"], file["type"], file["size"]) == ("notes.txt", "text/plain", 9)
    place = answer.headers["location"]
    assert place == f"/api/files/{file['id']}"
    assert [entry["id"] for entry in client.get("/api/files").json()["data"]] == [file["id"]]
    download = client.get(place)
    assert (download.status, download.content) == (200, b"My notes\n")
    assert download.headers["content-disposition"].startswith('attachment; filename="notes.txt"')
    assert download.headers["x-content-type-options"] == "nosniff"
    assert download.headers["content-type"].startswith("text/plain")
    assert "private" in download.headers["cache-control"]
    part = client.get(place, headers={"range": "bytes=3-7"})
    assert (part.status, part.content) == (206, b"notes")
    assert client.get(place, headers={"if-none-match": download.headers["etag"]}).status == 304
    assert client.delete(place).status == 204
    assert file["id"] not in kept()
    assert client.get(place).status == 404


def test_a_file_of_somebody_else_is_as_missing_as_none(client: Client, sign_in: SignIn) -> None:
    sign_in("ada")
    place = upload(client, b"secret").headers["location"]
    sign_in("bob")
    missing = client.get(f"/api/files/{'0' * 32}")
    for answer in (client.get(place), client.delete(place)):
        assert (answer.status, answer.content) == (missing.status, missing.content) == (404, missing.content)
    assert client.get("/api/files").json()["data"] == []
    client.cookies.clear()
    assert client.get(place).status == 401
    sign_in("ada")
    assert client.get(place).content == b"secret"


def test_addresses_that_are_none(client: Client, sign_in: SignIn) -> None:
    sign_in("ada")
    for name in (
        "..%2f..%2fetc%2fpasswd",
        "..%5cx",
        "a%00b",
        "%00" * 32,
        "x" * 5000,
        "A" * 32,
        "%C3%A9",
        "0" * 31,
        ".",
    ):
        for method in ("GET", "DELETE"):
            assert client.request(method, f"/api/files/{name}").status in (308, 400, 404, 405)
    for name in ("../../etc/passwd", "%2e%2e", "..%2f..%2f..%2fetc%2fpasswd"):
        answer = client.get(f"/api/files/{name}")
        assert answer.status in (308, 400, 404)
        assert b"root:" not in answer.content


NAMES = {
    "../../evil.sh": "evil.sh",
    "C:\\temp\\report.txt": "report.txt",
    "a\r\nSet-Cookie: x=1.txt": None,
    'quo"te.txt': None,
    "ü 日本.txt": "ü 日本.txt",
    "": None,
    "n" * 3000 + ".txt": "n" * 255,
}


def test_names_are_shown_and_never_used(client: Client, sign_in: SignIn) -> None:
    sign_in("ada")
    for name, shown in NAMES.items():
        before = kept()
        answer = upload(client, b"text", name)
        if answer.status == 400:  # a form can't even spell it, or an empty name is an empty field
            assert shown is None
            assert kept() == before
            continue
        file = answer.json()
        assert shown is None or file["name"] == shown
        assert not set(file["name"]) & set("/\\\r\n\0")
        assert kept() - before == {file["id"]}
        download = client.get(answer.headers["location"])
        assert download.status == 200
        assert not download.headers.has("set-cookie")


def test_the_type_is_what_the_bytes_say(client: Client, sign_in: SignIn) -> None:
    sign_in("ada")
    assert upload(client, PNG, "a.png", "image/png").json()["type"] == "image/png"
    assert upload(client, PNG, "a.txt", "text/plain").json()["type"] == "image/png"
    before = kept()
    for content, name, kind in (
        (b"<!doctype html><script>alert(1)</script>", "a.txt", "text/plain"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "a.png", "image/png"),
        (b"\x7fELF\x02\x01\x01" + b"\x00" * 50, "a.png", "image/png"),
        (b"PK\x03\x04" + b"\x00" * 50, "a.pdf", "application/pdf"),
    ):
        assert upload(client, content, name, kind).status == 415, content
    assert kept() == before


def test_what_is_no_upload(client: Client, sign_in: SignIn) -> None:
    sign_in("ada")
    before = kept()
    text = FormData()
    text.append("file", "just text")
    assert client.post("/api/files", body=text).status in (400, 413)
    assert client.post("/api/files", body=FormData()).status in (400, 413)
    assert client.post("/api/files", json={"file": "x"}).status == 415
    assert (
        client.post("/api/files", body=b"--x\r\n", headers={"content-type": "multipart/form-data; boundary=x"}).status
        == 400
    )
    cut = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf'
    assert (
        client.post("/api/files", body=cut, headers={"content-type": "multipart/form-data; boundary=x"}).status == 400
    )
    assert upload(client, b"x" * (10 * 2**20 + 1)).status == 413
    assert upload(client, b"x" * (12 * 2**20)).status == 413
    assert kept() == before


def test_there_is_room_for_so_much(client: Client, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    from lib import files

    sign_in("ada")
    before = len(kept())
    monkeypatch.setattr(files, "MAX_FILES", 2)
    assert [upload(client, b"x").status for _ in range(3)] == [201, 201, 409]
    monkeypatch.setattr(files, "MAX_FILES", 100)
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    assert [upload(client, b"12345").status for _ in range(2)] == [201, 409]
    assert len(kept()) == before + 3
    sign_in("bob")
    assert upload(client, b"12345").status == 201


def test_a_file_that_is_gone_from_the_disk_is_missing(client: Client, sign_in: SignIn) -> None:
    from lib.files import UPLOADS

    sign_in("ada")
    place = upload(client, b"x").headers["location"]
    os.unlink(UPLOADS / Path(place).name)
    assert client.get(place).status == 404
    assert client.delete(place).status == 204


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists in place of modes")
def test_nobody_else_on_the_machine_reads_what_is_kept(
    client: Client, sign_in: SignIn, servers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.files.UPLOADS", tmp_path / "uploads")
    sign_in("ada")
    assert upload(client, b"My notes\n", "notes.txt").status == 201
    assert (tmp_path / "uploads").stat().st_mode & 0o077 == 0
    if servers["DATABASE_URL"].startswith("sqlite"):
        found = [file.stat().st_mode & 0o077 for file in tmp_path.glob("saas.db*")]
        assert found
        assert not any(found)
