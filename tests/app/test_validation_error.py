"""`validation_error(error, request)`: the project's own answer to what does not fit, for all files or for one."""

from __future__ import annotations

from pathlib import Path

from tests.app.project import make_application

from waypost.testing import Client

ROUTE = "import msgspec\nclass New(msgspec.Struct):\n    title: str\nasync def POST(body: New): return body.title\n"
FOR_ALL = """
from waypost import Response
def validation_error(error, request):
    if request.path == "/plain":
        return None
    fields = {".".join(map(str, issue.path)): issue.message for issue in error.issues}
    return Response.json({"type": "about:blank", "fields": fields}, 422, {"content-type": "application/problem+json"})
"""


def test_for_all_files_in_instrumentation_and_for_one_in_its_own(tmp_path: Path) -> None:
    files = {
        "instrumentation.py": FOR_ALL,
        "app/a/route.py": ROUTE,
        "app/plain/route.py": ROUTE,
        "app/own/route.py": f"{ROUTE}\ndef validation_error(error, request): return {{'wrong': len(error.issues)}}\n",
        "app/broken/route.py": f"{ROUTE}\ndef validation_error(error, request): raise RuntimeError('oops')\n",
        "app/raised/route.py": (
            "from waypost import Issue, ValidationFailed, cookies\nasync def POST():\n    cookies().set('a', 'b')\n"
            "    raise ValidationFailed([Issue(('title',), 'Taken', 'taken')])\n"
        ),
    }
    with Client(make_application(tmp_path, files)) as client:
        response = client.post("/a", json={})
        assert response.status == 422
        assert response.headers.get("content-type") == "application/problem+json"
        assert response.json() == {"type": "about:blank", "fields": {"title": "Field required"}}
        plain = client.post("/plain", json={})
        assert (plain.status, plain.json()["error"]) == (400, "Validation failed"), "None leaves it as it is"
        own = client.post("/own", json={})
        assert (own.status, own.json()) == (400, {"wrong": 1})
        assert client.post("/broken", json={}).status == 500
        raised = client.post("/raised")
        assert raised.json()["fields"] == {"title": "Taken"}
        assert not raised.headers.has("set-cookie"), "what a failed handler wanted to set is not set"
        assert client.post("/a", body="{", headers={"content-type": "application/json"}).status == 400


def test_what_a_handler_raises_itself(tmp_path: Path) -> None:
    code = (
        "from waypost import Issue, ValidationFailed\nasync def POST():\n"
        "    raise ValidationFailed([Issue(('email',), 'Taken', 'taken')], 'Not this one')\n"
    )
    with Client(make_application(tmp_path, {"app/route.py": code})) as client:
        assert client.post("/").json() == {
            "error": "Not this one",
            "issues": [{"path": ["email"], "message": "Taken", "code": "taken"}],
        }
