"""`waypost dev` as a subprocess: files are edited while clients ask."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import Running, ask, running, until, write

ROUTE = """
from lib.words import WORD
from waypost import Response
async def GET():
    return Response("%s " + WORD)
"""
PROJECT = {
    "app/word/route.py": ROUTE % "one",
    "app/other/route.py": "async def GET():\n    return {'other': True}\n",
    "lib/words.py": "WORD = 'tree'\n",
    "app/slow/route.py": """
import asyncio
from waypost import Response
async def GET():
    await asyncio.sleep(1)
    return Response("slow old")
""",
    "app/fails/route.py": """
from lib.words import WORD
async def GET():
    return {}[WORD]
""",
    "app/env/route.py": "import os\nasync def GET():\n    return {'colour': os.environ.get('COLOUR')}\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, PROJECT)
    return tmp_path


@pytest.fixture
def dev(project: Path) -> Iterator[Running]:
    with running("dev", "--port", "0", cwd=project) as server:
        yield server


def test_it_tells_where_it_serves_and_what(dev: Running) -> None:
    dev.wait_for(r"waypost dev ready in \d+ ms on http://localhost:\d+\n")
    dev.wait_for(r"/fails\s+GET\s+app/fails/route.py")
    assert dev.get("/word") == "one tree"
    line = dev.wait_for(r"GET\s+/word 200 in (\S+) ms\n")
    assert 0 < float(line[1]) < 100


def test_it_listens_on_this_machine_only(dev: Running) -> None:
    port = dev.port
    with socket.socket() as other:
        other.settimeout(2)
        # Another address of the loopback network is not 127.0.0.1; on every interface it would be served.
        assert other.connect_ex(("127.0.0.2", port)) != 0


def test_a_change_is_served_on_the_open_connection(dev: Running, project: Path) -> None:
    connection = dev.connect()
    assert ask(connection, "/word")[1] == "one tree"
    own = connection.sock
    (project / "lib/words.py").write_text("WORD = 'bush'\n")
    until(lambda: ask(connection, "/word")[1] == "one bush")
    (project / "app/word/route.py").write_text(ROUTE % "two")
    until(lambda: ask(connection, "/word")[1] == "two bush")
    assert connection.sock is own
    dev.wait_for(r"reloaded in \d+ ms: lib/words.py\n")
    connection.close()


def test_a_change_of_one_file_takes_less_than_300_ms(dev: Running, project: Path) -> None:
    connection = dev.connect()
    ask(connection, "/word")
    took = []
    for number in range(5):
        (project / "app/word/route.py").write_text(ROUTE % number)
        took.append(until(lambda n=number: ask(connection, "/word")[1] == f"{n} tree"))  # type: ignore[misc]  # the default binds the loop's value
        time.sleep(0.3)
    connection.close()
    assert statistics.median(took) < 0.3, took


def test_no_request_is_lost_while_files_change(dev: Running, project: Path) -> None:
    failed: list[object] = []
    answered = [0]
    done = threading.Event()

    def client() -> None:
        connection = dev.connect()
        while not done.is_set():
            try:
                status, _ = ask(connection, "/word")
            except (OSError, http.client.HTTPException) as error:
                failed.append(error)
                break
            if status != 200:
                failed.append(status)
            answered[0] += 1
        connection.close()

    clients = [threading.Thread(target=client) for _ in range(4)]
    for thread in clients:
        thread.start()
    for number in range(5):
        time.sleep(0.3)
        (project / "app/word/route.py").write_text(ROUTE % number)
    until(lambda: dev.get("/word") == "4 tree")
    done.set()
    for thread in clients:
        thread.join()
    assert failed == []
    assert answered[0] > 10


def test_a_running_request_ends_with_the_old_code(dev: Running, project: Path) -> None:
    answer: list[str] = []
    slow = threading.Thread(target=lambda: answer.append(dev.get("/slow")))
    dev.get("/word")
    slow.start()
    time.sleep(0.3)
    (project / "app/slow/route.py").write_text("async def GET():\n    return {'slow': 'new'}\n")
    until(lambda: "reloaded" in dev.output)
    assert answer == []
    assert json.loads(dev.get("/slow")) == {"slow": "new"}
    slow.join()
    assert answer == ["slow old"]


def test_a_broken_file_breaks_its_route_only(dev: Running, project: Path) -> None:
    dev.get("/word")
    (project / "app/word/route.py").write_text("async def get():\n    return 1\n")
    dev.wait_for(r"app/word/route.py:1: .*get")
    connection = dev.connect()
    assert ask(connection, "/word")[0] == 500
    assert ask(connection, "/other") == (200, '{"other":true}')
    (project / "app/word/route.py").write_text(ROUTE % "mended")
    until(lambda: ask(connection, "/word")[1] == "mended tree")
    connection.close()


def test_a_new_route_and_a_removed_one(dev: Running, project: Path) -> None:
    dev.get("/word")
    write(project, {"app/fresh/[id]/route.py": "async def GET(request, context):\n    return dict(context.params)\n"})
    until(lambda: dev.get("/fresh/7") == '{"id":"7"}')
    (project / "app/other/route.py").unlink()
    until(lambda: "Not found" in dev.get("/other"))


def test_env_files_and_settings_are_read_again(dev: Running, project: Path) -> None:
    dev.get("/word")
    (project / ".env.local").write_text("COLOUR=red\n")
    until(lambda: json.loads(dev.get("/env")) == {"colour": "red"})
    (project / ".env.local").write_text("COLOUR=green\n")
    until(lambda: json.loads(dev.get("/env")) == {"colour": "green"})
    (project / ".env.local").unlink()
    until(lambda: json.loads(dev.get("/env")) == {"colour": None})
    (project / "pyproject.toml").write_text("[tool.waypost]\ntrailing-slash = true\nbacklog = 5\n")
    dev.wait_for("restart waypost dev to apply backlog")
    connection = dev.connect()
    assert ask(connection, "/word")[0] == 308
    connection.close()


def test_settings_that_are_wrong_leave_what_worked(dev: Running, project: Path) -> None:
    dev.get("/word")
    (project / "pyproject.toml").write_text("[tool.waypost]\nmax-bodysize = 1\n")
    dev.wait_for(r"pyproject.toml:2: there is no setting")
    dev.wait_for("not reloaded")
    assert dev.get("/word") == "one tree"
    (project / "pyproject.toml").write_text("")
    dev.wait_for("reloaded in")


def test_a_rule_that_is_wrong_takes_no_other_rule_away(dev: Running, project: Path) -> None:
    dev.get("/word")
    policy = '[[tool.waypost.headers]]\nsource = "{}"\nheaders = [{{ key = "x-policy", value = "strict" }}]\n'
    (project / "pyproject.toml").write_text(policy.format("/:path*"))
    dev.wait_for("reloaded in")
    connection = dev.connect()
    assert ask(connection, "/word")[0] == 200
    (project / "pyproject.toml").write_text(policy.format("/:path("))
    dev.wait_for("not reloaded")
    connection.request("GET", "/word")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.headers["x-policy"] == "strict"


def test_an_error_is_printed_with_the_lines_of_the_project(dev: Running) -> None:
    dev.get("/fails")
    dev.wait_for(r"app/fails/route.py:4 in GET\n\s+return \{\}\[WORD\]\nKeyError: 'tree'\n")
    dev.wait_for(r"GET\s+/fails 500")
    assert "application.py" not in dev.output


def test_wrong_settings_at_the_start_are_reported(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.waypost]\nport = 'x'\n")
    with running("dev", cwd=project) as server:
        assert server.process.wait(10) == 1
        server.wait_for(r"pyproject.toml:2: port must be a whole number from 0 to 65535, not \"x\"")
        assert "Traceback" not in server.output


def test_a_busy_port_that_was_asked_for_is_an_error(dev: Running, project: Path) -> None:
    with running("dev", "--port", str(dev.port), cwd=project) as second:
        assert second.process.wait(10) == 1
        assert f"port {dev.port} is in use" in second.output


def test_another_variable_port_is_used(project: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running("dev", cwd=project, env={"PORT": str(port)}) as server:
        assert server.port == port


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(dev: Running, number: int) -> None:
    open_connection = dev.connect()
    ask(open_connection, "/word")
    began = time.perf_counter()
    assert dev.stop(number) == 0
    assert time.perf_counter() - began < 4
    assert "Traceback" not in dev.output
    open_connection.close()
