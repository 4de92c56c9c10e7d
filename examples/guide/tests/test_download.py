"""Guide: File Downloads."""

from __future__ import annotations

from pathlib import Path

import pytest
from waypost.testing import Client

REPORT = (Path(__file__).parent.parent / "private-files" / "report.csv").read_bytes()

NO_NAMES = [
    "nothing.csv", "..", "%2e%2e", "..%2Fpyproject.toml", "..%2f..%2f..%2fetc%2fpasswd", "%2Fetc%2Fpasswd",
    "..%5Cpyproject.toml", "....%2F%2Fpyproject.toml", "%252e%252e%252fpyproject.toml", "report.csv%2F", "report.csv.",
    "report.csv%20", "report.csv:stream", "%C0%AE%C0%AE%2Fpyproject.toml", "report.csv%00.png", "link.csv", "folder",
    "x" * 300, "CON", "~root", "%ff",
]  # fmt: skip


def test_a_file(ada: Client, client: Client) -> None:
    response = ada.get("/api/download/report.csv")
    assert (response.status, response.content) == (200, REPORT)
    assert response.headers["content-disposition"].startswith('attachment; filename="report.csv"')
    assert response.headers["content-length"] == str(len(REPORT))
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "private" in response.headers["cache-control"]
    assert client.get("/api/download/report.csv").status == 401


def test_a_part_of_a_file(ada: Client) -> None:
    part = ada.get("/api/download/report.csv", headers={"Range": "bytes=0-4"})
    assert (part.status, part.content) == (206, b"month")
    again = ada.get("/api/download/report.csv", headers={"If-None-Match": part.headers["etag"]})
    assert again.status == 304


@pytest.mark.parametrize("name", NO_NAMES)
def test_no_name_leads_out_of_the_folder(
    name: str, ada: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.get("/api/download/report.csv")  # the route is imported
    route = __import__("app.api.download.[filename].route", fromlist=["GET"])
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "report.csv").write_text("fine")
    (tmp_path / "pyproject.toml").write_text("secret")
    (root / "link.csv").symlink_to(tmp_path / "pyproject.toml")
    monkeypatch.setattr(route, "PRIVATE_FILES", root)
    response = ada.get(f"/api/download/{name}")
    assert response.status in (308, 400, 404)
    assert "secret" not in response.text
    assert ada.get("/api/download/report.csv").text == "fine"


def test_a_disk_that_fails_is_no_404(ada: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ada.get("/api/download/report.csv")
    route = __import__("app.api.download.[filename].route", fromlist=["GET"])

    class Broken:
        def __fspath__(self) -> str:
            raise PermissionError("no access")

    monkeypatch.setattr(route, "PRIVATE_FILES", Broken())
    assert ada.get("/api/download/report.csv").status == 500
