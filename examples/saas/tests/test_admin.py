"""The folder for administrators."""

from __future__ import annotations

import subprocess
import sys

import pytest
from waypost.testing import Client

from tests.conftest import PASSWORD, PROJECT, SignIn

PATHS = [("GET", "/api/admin/users"), ("GET", "/api/admin/ledger"), ("PATCH", "/api/admin/users/1")]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_it_is_for_administrators(client: Client, sign_in: SignIn, method: str, path: str) -> None:
    assert client.request(method, path, json={"role": "admin"} if method == "PATCH" else None).status == 401
    sign_in("ada")
    for spelling in (path, path.replace("admin", "%61dmin")):
        answer = client.request(method, spelling, json={"role": "admin"} if method == "PATCH" else None)
        assert (answer.status, answer.json()) == (403, {"error": "Forbidden"})
    assert client.get("/api/profile").json()["role"] == "user"


def test_users_and_entries_are_listed(client: Client, sign_in: SignIn) -> None:
    sign_in("bob")
    sign_in("ada", admin=True)
    users = client.get("/api/admin/users").json()["data"]
    assert [(user["email"], user["role"], user["disabled"]) for user in users] == [
        ("bob@example.com", "user", False),
        ("ada@example.com", "admin", False),
    ]
    assert "password" not in str(users)
    assert [user["email"] for user in client.get("/api/admin/users?page=2&limit=1").json()["data"]] == [
        "ada@example.com"
    ]
    assert len(client.get("/api/admin/ledger").json()["data"]) == 2


def test_roles_take_effect_at_once(client: Client, sign_in: SignIn) -> None:
    bob = sign_in("bob")
    cookie = {"cookie": f"__Host-session={client.cookies['__Host-session']}"}
    sign_in("ada", admin=True)
    place = f"/api/admin/users/{bob['id']}"
    assert client.patch(place, json={"role": "admin"}).json()["role"] == "admin"
    client.cookies.clear()
    assert client.get("/api/profile", headers=cookie).status == 401, "signed out: the next session has the new role"
    sign_in("bob")
    assert client.get("/api/admin/users").status == 200
    sign_in("ada")
    assert client.patch(place, json={"role": "user"}).status == 200
    sign_in("bob")
    assert client.get("/api/admin/users").status == 403


def test_a_closed_account_is_out(client: Client, sign_in: SignIn) -> None:
    bob = sign_in("bob")
    cookie = {"cookie": f"__Host-session={client.cookies['__Host-session']}"}
    sign_in("ada", admin=True)
    assert client.patch(f"/api/admin/users/{bob['id']}", json={"disabled": True}).json()["disabled"] is True
    client.cookies.clear()
    assert client.get("/api/profile", headers=cookie).status == 401
    login = {"email": "bob@example.com", "password": PASSWORD}
    assert client.post("/api/login", json=login).json() == {"error": "Wrong email or password"}


def test_changes_that_are_none(client: Client, sign_in: SignIn) -> None:
    ada = sign_in("ada", admin=True)
    own = client.patch(f"/api/admin/users/{ada['id']}", json={"role": "user"})
    assert own.status == 409
    assert client.patch("/api/admin/users/999999", json={"role": "user"}).status == 404
    bodies: list[object] = [
        {}, {"role": "root"}, {"role": None}, {"disabled": "yes"}, {"disabled": 1}, {"credits": 1000}, {"id": 5},
        {"email": "x@y.zz"}, {"password_hash": "x"}, {"createdAt": "2020"}, [], "role",
    ]  # fmt: skip
    for body in bodies:
        assert client.patch("/api/admin/users/999999", json=body).status == 400, body


def test_the_program_that_makes_the_first_administrator(client: Client, sign_in: SignIn) -> None:
    sign_in("ada")
    for email, code in (("Ada@example.com", 0), ("nobody@example.com", 1)):
        done = subprocess.run([sys.executable, "make_admin.py", email], cwd=PROJECT, capture_output=True, timeout=60)
        assert done.returncode == code, done.stderr
    sign_in("ada")
    assert client.get("/api/admin/users").status == 200
