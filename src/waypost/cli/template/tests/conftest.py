from collections.abc import Iterator
from pathlib import Path

import pytest
from waypost.testing import Client


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """The whole project, without a socket, over a database of its own."""
    monkeypatch.setenv("DATABASE_FILE", str(tmp_path / "posts.db"))
    with Client(Path(__file__).parent.parent) as client:
        yield client
