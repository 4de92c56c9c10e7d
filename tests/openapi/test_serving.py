from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import write

from waypost.config import Config, load_config
from waypost.openapi.serving import served_paths
from waypost.testing import Client

HANDLER = "async def GET(): return {'mine': True}\n"


def client(folder: Path, dev: bool = True, **files: str) -> Client:
    names = {name.replace("__", "/"): text for name, text in files.items()}
    write(folder, {"app/api/route.py": HANDLER, **names})
    return Client(folder, dev=dev)


def test_dev_serves_the_document_and_its_page(tmp_path: Path) -> None:
    with client(tmp_path) as app:
        document = app.get("/openapi.json")
        page = app.get("/docs")
    assert document.headers["content-type"] == "application/json"
    assert list(document.json()["paths"]) == ["/api"]
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert 'data-document="/openapi.json"' in page.text


def test_production_serves_neither_unless_it_is_told(tmp_path: Path) -> None:
    with client(tmp_path, False) as app:
        assert [app.get(path).status for path in ("/openapi.json", "/docs")] == [404, 404]


@pytest.mark.parametrize(
    ("mode", "document", "docs", "expected"),
    [
        ("development", "", "", ("/openapi.json", "/docs")),
        ("development", "off", "", (None, None)),
        ("development", "/api.json", "off", ("/api.json", None)),
        ("production", "", "", (None, None)),
        ("production", "/api.json", "", ("/api.json", None)),
        ("production", "", "/reference", ("/openapi.json", "/reference")),
        ("production", "off", "/reference", (None, None)),
    ],
)
def test_which_of_them_are_served(mode: Any, document: str, docs: str, expected: tuple[str | None, ...]) -> None:
    assert served_paths(Config(root=Path(), mode=mode, openapi_path=document, docs_path=docs)) == expected


@pytest.mark.parametrize("name", ["app/docs/route.py", "app/[slug]/route.py", "app/[...path]/route.py"])
def test_a_route_of_the_project_is_never_shadowed(tmp_path: Path, name: str) -> None:
    write(tmp_path, {name: HANDLER})
    with Client(tmp_path, dev=True) as app:
        assert app.get("/docs").json() == {"mine": True}


def test_a_public_file_is_never_shadowed(tmp_path: Path) -> None:
    with client(tmp_path, **{"public__openapi.json": '{"mine": true}'}) as app:
        assert app.get("/openapi.json").json() == {"mine": True}
        assert app.get("/docs").status == 200


def test_middleware_stands_before_them(tmp_path: Path) -> None:
    refuse = "from waypost import Response\nasync def middleware(request): return Response('no', 403)\n"
    with client(tmp_path, **{"middleware.py": refuse}) as app:
        assert [app.get(path).status for path in ("/openapi.json", "/docs")] == [403, 403]


def test_what_a_client_has_is_not_sent_again(tmp_path: Path) -> None:
    with client(tmp_path) as app:
        for path in ("/openapi.json", "/docs"):
            first = app.get(path)
            again = app.get(path, headers={"if-none-match": first.headers["etag"]})
            assert (again.status, again.text, again.headers["etag"]) == (304, "", first.headers["etag"])
            assert app.head(path).status == 200
            assert app.post(path).status == 405


def test_they_live_below_the_base_path(tmp_path: Path) -> None:
    with client(tmp_path, **{"pyproject.toml": '[tool.waypost]\nbase-path = "/v1"\n'}) as app:
        assert app.get("/v1/openapi.json").json()["servers"] == [{"url": "/v1"}]
        page = app.get("/v1/docs").text
    assert 'data-document="/v1/openapi.json" data-base="/v1"' in page


def test_the_policy_of_the_page_lets_its_own_script_and_style_run_and_nothing_else(tmp_path: Path) -> None:
    with client(tmp_path) as app:
        page = app.get("/docs")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == "'none'"
    assert "http" not in re.sub(r"https?://example\.com", "", page.text)


def test_a_broken_route_does_not_hide_the_others(tmp_path: Path) -> None:
    with client(tmp_path, **{"app__broken__route.py": "def GET(:\n"}) as app:
        assert list(app.get("/openapi.json").json()["paths"]) == ["/api"]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('openapi-path = "openapi.json"', 'must be a path as "/openapi.json", or "off"'),
        ('openapi = "x"', "must be a table"),
        ('openapi = { titel = "x" }', 'has no "titel"'),
        ("openapi = { title = 1 }", "title must be a text"),
        ('openapi = { contact = { phone = "1" } }', 'contact has no "phone"'),
        ('openapi = { license = { url = "x" } }', "license needs a name"),
        ('openapi = { tags = [{ description = "x" }] }', "each item of tags needs name"),
        ('openapi = { servers = "x" }', "servers must be a list"),
    ],
)
def test_settings_that_can_not_be_are_refused(tmp_path: Path, setting: str, words: str) -> None:
    write(tmp_path, {"pyproject.toml": f"[tool.waypost]\n{setting}\n"})
    with pytest.raises(Exception, match=re.escape(words)) as caught:
        load_config(tmp_path, environ={})
    assert caught.value.line == 2  # type: ignore[attr-defined]


def test_the_variable_of_the_table_is_json(tmp_path: Path) -> None:
    config = load_config(tmp_path, environ={"WAYPOST_OPENAPI": json.dumps({"title": "T"})})
    assert config.openapi.title == "T"
    with pytest.raises(Exception, match="JSON"):
        load_config(tmp_path, environ={"WAYPOST_OPENAPI": "{"})
