"""Every check of schemathesis against servers that are described by their own document.

What is left out is listed with its reason; everything else has to hold.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from dotenv import dotenv_values
from tests.cli.running import Running, running
from tests.conformance.server import free_port, reference_app, upstream
from tests.openapi.hypothetical import run
from tests.openapi.validity import validate

EXAMPLES = Path(__file__).parents[2] / "examples"
EACH = 3  # examples for each operation; the command of hypothetical.py makes thousands
SERVED = {"WAYPOST_OPENAPI_PATH": "/openapi.json"}

# The guide's handlers have no annotations, so the document can't know what their arguments must be.
UNTOLD = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 409, 413, 415, 429]
"""
# What is right by the document and refused all the same, in examples/saas: a file whose type is read from its bytes, an
# event with a signature that only its sender can make.
REFUSED = """
[[operations]]
include-operation-id = "postApiFiles"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 413, 415, 429]
[[operations]]
include-operation-id = "postApiWebhooksStripe"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 400]
"""

pytestmark = pytest.mark.slow


def holds(server: Running | str, folder: Path, config: str = "", *options: str) -> None:
    base = server if isinstance(server, str) else f"http://127.0.0.1:{server.port}"
    with urllib.request.urlopen(f"{base}/openapi.json") as answer:
        validate(json.load(answer))
    (folder / "schemathesis.toml").write_text(config)
    done = run(f"{base}/openapi.json", EACH, folder, options)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert re.search(r"Test cases:\s+\d+ generated, \d+ passed", done.stdout), done.stdout[-2000:]


@contextmanager
def example(name: str, variables: Mapping[str, str]) -> Iterator[Running]:
    folder = EXAMPLES / name
    known = dotenv_values(folder / ".env.test") if (folder / ".env.test").is_file() else {}
    env = {**{key: value or "" for key, value in known.items()}, **SERVED, **variables}
    with running("start", "--port", "0", cwd=folder, env=env) as server:
        assert server.port
        yield server


def test_blog(tmp_path: Path) -> None:
    variables = {"DATABASE_URL": f"sqlite:///{tmp_path / 'blog.db'}", "REVALIDATION_SECRET": "nobody-knows-it"}
    with example("blog", variables) as server:
        holds(server, tmp_path)


def test_saas(tmp_path: Path) -> None:
    with example("saas", {"DATA_DIR": str(tmp_path / "data")}) as server:
        token = _sign_in(server)
        auth = f'[auth.openapi.bearer]\nbearer = "{token}"\n'
        # These two end the session that all the others need.
        ending = ("--exclude-operation-id", "deleteApiLogin", "--exclude-operation-id", "putApiProfilePassword")
        holds(server, tmp_path, auth + REFUSED, *ending)
        only = ("--include-operation-id", "deleteApiLogin", "--include-operation-id", "putApiProfilePassword")
        holds(server, tmp_path, "", *only)


def _sign_in(server: Running) -> str:
    password = "correct horse battery staple"
    ada = {"email": "ada@example.com", "name": "Ada", "password": password}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for path, body in (("/api/register", ada), ("/api/login", {"email": ada["email"], "password": password})):
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status < 300, text
    connection.close()
    found = re.search(r"session=([^;]+)", answer.headers["set-cookie"])
    assert found is not None
    return found[1]


# Operations of the reference application that are no API to hold to a contract, and why.
LEFT_OUT = {
    r"^/api/boom": "its handler fails on purpose",
    r"^/s/isr-fail": "its handler fails on purpose",
    r"^/mw/": "middleware answers in the place of the route, or fails on purpose",
    r"^/api/(chat|chat-meta|chat-naive|chat-text|login|revalidate)$": "the guide's handlers look into a body unseen",
    r"^/x/get-options$": "it sends an Allow of its own, with a method that does not exist",
    r"^/x/p/\{rest\}$": "its siblings answer some of its paths",
}


def test_the_reference_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVED.items():
        monkeypatch.setenv(name, value)
    for name in list(os.environ):
        if name.startswith("WAYPOST_") and name not in SERVED:
            monkeypatch.delenv(name)
    port = free_port()
    with upstream(port), reference_app("waypost", tmp_path, upstream_port=port) as base:
        holds(base, tmp_path, UNTOLD, "--exclude-path-regex", "|".join(LEFT_OUT), "--phases", "coverage,fuzzing")
