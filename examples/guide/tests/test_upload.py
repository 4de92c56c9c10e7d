"""Guide: FormData (File Uploads)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from waypost import File, FormData
from waypost.testing import Client

PNG = b"\x89PNG\r\n\x1a\n" + bytes(2_000_000)


def form(**fields: str | File) -> FormData:
    data = FormData()
    for name, value in fields.items():
        data.append(name, value)
    return data


def test_a_file(ada: Client) -> None:
    file = File([PNG], "photo.png", type="text/html")
    response = ada.post("/api/upload", body=form(name="Holiday", file=file))
    assert response.status == 201
    stored = response.json()
    assert (stored["name"], stored["size"], stored["type"]) == ("photo.png", len(PNG), "image/png")
    assert (Path(os.environ["DATA_DIR"]) / "uploads" / stored["id"]).read_bytes() == PNG


@pytest.mark.parametrize("name", ["../../evil.py", "/etc/passwd", "..\\evil", "a\x00b", "x" * 300, ""])
def test_the_clients_name_is_no_path(name: str, ada: Client) -> None:
    uploads = Path(os.environ["DATA_DIR"]) / "uploads"
    response = ada.post("/api/upload", body=form(name="x", file=File([b"data"], name)))
    assert response.status in (201, 400)
    if response.status == 201:
        assert (uploads / response.json()["id"]).read_bytes() == b"data"
    assert all(len(path.name) == 32 and path.parent == uploads for path in uploads.rglob("*"))


def test_forms_that_are_none(ada: Client, client: Client) -> None:
    file = File([b"x"], "x.txt")
    for body in (form(name="x"), form(name="x", file="text"), form(file=file)):
        assert ada.post("/api/upload", body=body).status == 400
    assert ada.post("/api/upload", json={"file": "x"}).status == 415
    program = File([b"\x7fELF\x02\x01\x01" + bytes(100)], "photo.png", type="image/png")
    assert ada.post("/api/upload", body=form(name="x", file=program)).status == 415
    assert ada.post("/api/upload", body=form(name=file, file=file)).status == 413  # one file, and no more
    broken = "multipart/form-data; boundary=x"
    assert ada.post("/api/upload", body="--x\r\nContent-Dis", headers={"Content-Type": broken}).status == 400
    assert ada.post("/api/upload", body=form(name="x", file=File([b"x" * 11_000_000], "big"))).status == 413
    assert client.post("/api/upload", body=form(name="x", file=file)).status == 401
