"""Loading as a whole; what is said of each mistake stands in the samples exports, options and broken-imports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from waypost.errors import StartupError, StartupErrors
from waypost.routing.load import VERBS, LoadReport, load_route, load_routes
from waypost.routing.options import SegmentOptions
from waypost.routing.scan import scan

WriteTree = Callable[[Mapping[str, str]], Path]
HANDLER = "async def GET(request):\n    return None\n"


def load(app: Path) -> LoadReport:
    return load_routes(scan(app).routes, app)


def test_a_route(write_tree: WriteTree) -> None:
    app = write_tree(
        {
            "app/posts/[id]/route.py": (
                "revalidate = 60\n\n\ndef generate_static_params():\n    return []\n\n\n"
                "def POST(request):\n    return 'post'\n\n\ndef GET(request):\n    return 'get'\n"
            )
        }
    )
    file = scan(app).routes[0]
    loaded = load_route(file, app)

    assert loaded.file is file
    assert list(loaded.handlers) == ["GET", "POST"]
    assert loaded.handlers["POST"](None) == "post"
    assert loaded.options == SegmentOptions(revalidate=60)
    assert loaded.generate_static_params is not None
    assert loaded.generate_static_params() == []
    assert loaded.module is not None
    assert loaded.module.__name__ == "app.posts.[id].route"


def test_a_page_answers_get(write_tree: WriteTree) -> None:
    app = write_tree({"app/page.py": "max_duration = 5\n\n\ndef page():\n    return '<p>'\n"})
    loaded = load_route(scan(app).routes[0], app)

    assert list(loaded.handlers) == ["GET"]
    assert loaded.handlers["GET"]() == "<p>"
    assert loaded.options.max_duration == 5


def test_an_html_page_is_not_imported(write_tree: WriteTree) -> None:
    app = write_tree({"app/page.html": "<p>"})
    loaded = load_route(scan(app).routes[0], app)

    assert loaded.module is None
    assert loaded.handlers == {}


def test_more_verbs(write_tree: WriteTree) -> None:
    app = write_tree({"app/route.py": "async def TRACE(request):\n    return None\n"})
    file = scan(app).routes[0]

    assert list(load_route(file, app, verbs=(*VERBS, "TRACE")).handlers) == ["TRACE"]
    with pytest.raises(StartupError, match="no such method"):
        load_route(file, app)


def test_one_mistake_is_raised_as_itself_and_many_together(write_tree: WriteTree) -> None:
    app = write_tree(
        {
            "app/one/route.py": "GET = 1\n",
            "app/two/route.py": "runtime = 'x'\n\n\ndef get(r):\n    return r\n\n\nPOST = 1\n",
        }
    )
    one, two = scan(app).routes
    with pytest.raises(StartupError) as single:
        load_route(one, app)
    with pytest.raises(StartupErrors) as several:
        load_route(two, app)

    assert not isinstance(single.value, StartupErrors)
    assert [error.line for error in several.value.errors] == [1, 4, 8]


def test_a_broken_file_is_not_in_the_way_of_the_others(write_tree: WriteTree) -> None:
    app = write_tree({"app/bad/route.py": "def GET(:\n", "app/good/route.py": HANDLER, "app/worse/route.py": "1 / 0\n"})
    report = load(app)

    assert [route.file.pattern for route in report.routes] == ["/good"]
    assert list(report.failed) == [app / "bad/route.py", app / "worse/route.py"]
    assert [error.file for error in report.errors] == [app / "bad/route.py", app / "worse/route.py"]


def test_one_mistake_that_breaks_many_routes_is_reported_once(write_tree: WriteTree) -> None:
    broken = {f"app/{name}/route.py": f"import lib.broken\n{HANDLER}" for name in ("a", "b", "c")}
    app = write_tree({**broken, "lib/broken.py": "x = 1\nraise ValueError('why')\n"})
    report = load(app)

    assert len(report.failed) == 3
    assert [error.place for error in report.errors] == [f"{app.parent / 'lib/broken.py'}:2"]


def test_a_corrected_file_loads_after_forgetting(write_tree: WriteTree) -> None:
    from waypost.routing.load import forget_project_modules

    app = write_tree({"app/route.py": "from lib.x import x\n" + HANDLER, "lib/x.py": "raise ValueError\n"})
    assert load(app).failed
    (app.parent / "lib/x.py").write_text("x = 'corrected'\n")
    forget_project_modules(app.parent)
    report = load(app)

    assert not report.failed
    assert report.routes[0].module is not None
    assert report.routes[0].module.x == "corrected"


def test_interrupting_the_start_is_no_mistake_of_the_file(write_tree: WriteTree) -> None:
    app = write_tree({"app/route.py": "raise KeyboardInterrupt\n"})

    with pytest.raises(KeyboardInterrupt):
        load(app)


def test_a_redirect_at_import_time_is(write_tree: WriteTree) -> None:
    text = "from waypost.errors import Interrupt\n\nraise Interrupt(307, '/')\n"
    report = load(write_tree({"app/route.py": text}))

    assert [(error.line, error.message.partition(":")[0]) for error in report.errors] == [(3, "Interrupt")]
