"""waypost.templates: Jinja2 for pages and routes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.errors import StartupError
from waypost.templates import Templates
from waypost.testing import Client

PROJECT = {
    "pyproject.toml": "[project]\nname = 'p'\nversion = '0'\n",
    "templates/base.html": "<!doctype html><title>{% block title %}{% endblock %}</title>"
    "{% block body %}{% endblock %}",
    "templates/post.html": "{% extends 'base.html' %}{% block title %}{{ title }}{% endblock %}"
    "{% block body %}<p>{{ text }}</p>{% endblock %}",
    "templates/feed.xml": "<feed>{{ title }}</feed>",
    "templates/lost.html": "{{ titel }}",
    "lib/templates.py": "from waypost.templates import Templates\ntemplates = Templates()\n",
    "app/post/[id]/page.py": "from lib.templates import templates\nasync def page(request, context):\n"
    "    return templates.render('post.html', title=context.params['id'], text=request.next_url.search_params['q'])\n",
    "app/feed/route.py": "from lib.templates import templates\n"
    "async def GET(): return templates.response('feed.xml', title='<A>', headers={'x-a': '1'})\n",
    "app/lost/page.py": "from lib.templates import templates\nasync def page(): return templates.render('lost.html')\n",
}


def test_a_page_from_a_template_escapes_what_it_is_given(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, PROJECT)) as client:
        answer = client.get("/post/Tom%20%26%20Ada?q=<script>alert('1')</script>")
        assert answer.text == (
            "<!doctype html><title>Tom &amp; Ada</title><p>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;</p>"
        )
        assert answer.headers.get("content-type") == "text/html; charset=utf-8"
        feed = client.get("/feed")
        assert (feed.text, feed.headers.get("x-a")) == ("<feed>&lt;A&gt;</feed>", "1")
        assert feed.headers.get("content-type") in ("text/xml; charset=utf-8", "application/xml")
        assert client.get("/lost").status == 500
        (tmp_path / "templates" / "post.html").write_text("changed")
        assert client.get("/post/1?q=").text == "changed"


def test_plain_text_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    folder.mkdir()
    for name in ("a.txt", "a.txt.j2", "a.html", "a.html.j2", "a"):
        (folder / name).write_text("{{ text }}")
    templates = Templates(folder)
    rendered = {name: templates.render(name, text="<&>") for name in ("a.txt", "a.txt.j2", "a.html", "a.html.j2", "a")}
    assert rendered == {
        **dict.fromkeys(("a.html", "a.html.j2", "a"), "&lt;&amp;&gt;"),
        "a.txt": "<&>",
        "a.txt.j2": "<&>",
    }
    assert templates.response("a.html.j2", text="").headers.get("content-type") == "text/html; charset=utf-8"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="there is no folder"):
        Templates(tmp_path / "none")
    with pytest.raises(StartupError, match="there is no folder no-such-folder"):
        Templates("no-such-folder")


def test_without_jinja2_the_extra_is_named(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.modules['jinja2'] = None\nfrom waypost.templates import Templates\n"
        "try:\n    Templates(sys.argv[1])\nexcept Exception as error:\n    print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.startswith("StartupError waypost.templates needs jinja2")
    assert 'pip install "waypost[templates]"' in done.stdout
