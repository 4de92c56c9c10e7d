"""`waypost start` as a subprocess."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.cli.running import Running, ask, running, until, write

from waypost.cli.main import group
from waypost.cli.start import command
from waypost.config import SETTINGS

PROJECT = {
    "app/pid/route.py": """
import os
async def GET():
    return {"pid": os.getpid(), "colour": os.environ.get("COLOUR")}
""",
    "app/slow/route.py": "import asyncio\nasync def GET():\n    await asyncio.sleep(1)\n    return {'slow': True}\n",
    "app/fails/route.py": "async def GET():\n    return {}['secret']\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, PROJECT)
    return tmp_path


def pid_of(server: Running) -> int:
    return int(json.loads(server.get("/pid"))["pid"])


def test_one_worker_is_this_process(project: Path) -> None:
    with running("start", "--port", "0", cwd=project) as server:
        server.wait_for(r"waypost start ready in \d+ ms on http://localhost:\d+, 1 worker\n")
        assert pid_of(server) == server.process.pid
        assert server.stop() == 0
        assert "Traceback" not in server.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_running_request_is_answered_before_the_end(project: Path, workers: str, number: int) -> None:
    with running("start", "--port", "0", "--workers", workers, cwd=project) as server:
        answers: list[str] = []
        slow = threading.Thread(target=lambda: answers.append(server.get("/slow")))
        server.get("/pid")
        slow.start()
        time.sleep(0.3)
        assert server.stop(number) == 0
        slow.join()
        assert answers == ['{"slow":true}']


def test_several_workers_answer_and_one_that_dies_is_replaced(project: Path) -> None:
    with running("start", "--port", "0", "-w", "2", cwd=project) as server:
        server.wait_for("2 workers")
        first = pid_of(server)
        assert first != server.process.pid
        os.kill(first, signal.SIGKILL)
        until(lambda: pid_of(server) != first)
        assert server.stop() == 0


def test_sighup_takes_new_code_and_new_env_files_without_losing_a_request(project: Path) -> None:
    (project / ".env").write_text("COLOUR=red\n")
    failed: list[object] = []
    seen: set[str] = set()
    done = threading.Event()
    with running("start", "--port", "0", "--workers", "2", cwd=project) as server:

        def client() -> None:
            while not done.is_set():
                try:
                    seen.add(json.loads(server.get("/pid"))["colour"])
                except (OSError, http.client.HTTPException, ValueError) as error:
                    failed.append(error)

        server.get("/pid")
        clients = [threading.Thread(target=client) for _ in range(2)]
        for thread in clients:
            thread.start()
        (project / ".env").write_text("COLOUR=green\n")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "green" in seen, 10)
        time.sleep(0.5)
        done.set()
        for thread in clients:
            thread.join()
        until(lambda: all(json.loads(server.get("/pid"))["colour"] == "green" for _ in range(5)), 10)
        assert failed == []
        assert server.stop() == 0


def test_sighup_does_not_end_a_single_worker(project: Path) -> None:
    with running("start", "--port", "0", cwd=project) as server:
        first = pid_of(server)
        server.process.send_signal(signal.SIGHUP)
        assert pid_of(server) == first
        assert server.stop() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_every_mistake_is_in_one_report(project: Path, workers: str) -> None:
    write(
        project, {"app/lower/route.py": "def get(): ...\n", "app/option/route.py": "dynamic = 'no'\ndef GET(): ...\n"}
    )
    with running("start", "--port", "0", "--workers", workers, cwd=project) as server:
        assert server.process.wait(10) == 1
        server.wait_for("2 problems found")
        assert re.search(r"^app/lower/route.py:1: .*get", server.output, re.MULTILINE)
        assert re.search(r"^app/option/route.py:1: dynamic", server.output, re.MULTILINE)
        assert "Traceback" not in server.output
        assert server.output.count("Rename it") == 1


@pytest.mark.parametrize("arguments", [("start",), ("start", "--workers", "2"), ("dev",)])
def test_a_startup_that_fails_is_reported_with_its_line(project: Path, arguments: tuple[str, ...]) -> None:
    write(
        project,
        {
            "lib/pool.py": "import socket\ndef connect():\n    socket.create_connection(('127.0.0.1', 1), 1)\n",
            "instrumentation.py": "from lib.pool import connect\nasync def register():\n    connect()\n",
        },
    )
    with running(*arguments, "--port", "0", cwd=project) as server:
        assert server.process.wait(10) == 1
        server.wait_for(r"^lib/pool.py:3: the application could not start: ConnectionRefusedError: ")
        assert "Traceback" not in server.output


def test_settings_come_from_options_variables_and_the_file(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.waypost]\nbase-path = "/v1"\n')
    with running("start", "--access-log", cwd=project, env={"PORT": "0", "WAYPOST_LOG_FORMAT": "json"}) as server:
        server.wait_for(r"http://localhost:\d+/v1,")
        connection = server.connect()
        assert ask(connection, "/v1/pid")[0] == 200
        assert ask(connection, "/pid")[0] == 404
        line = json.loads(server.wait_for(r"\{.*\"/v1/pid\".*\}\n")[0])
        assert (line["method"], line["status"]) == ("GET", 200)
        connection.close()


def test_every_setting_is_an_option() -> None:
    options = {name for parameter in command.params for name in parameter.opts}
    assert {"--" + name.replace("_", "-") for name in SETTINGS} <= options


def test_an_option_that_a_setting_cannot_have_is_refused(project: Path) -> None:
    with running("start", "--max-body-size", "lots", cwd=project) as server:
        assert server.process.wait(10) == 1
        server.wait_for('max_body_size must be .* not "lots"')


def test_a_busy_port_is_told(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running("start", "--port", str(port), cwd=project) as server:
            assert server.process.wait(10) == 1
            server.wait_for(f"port {port} is in use")
            assert "Traceback" not in server.output


def test_a_unix_socket(project: Path) -> None:
    path = project / "run.sock"
    with running("start", "--unix", "run.sock", cwd=project) as server:
        server.wait_for("on unix:run.sock")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(str(path))
            client.sendall(b"GET /pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert client.recv(20).startswith(b"HTTP/1.1 200")
        assert server.stop() == 0


def test_the_folder_is_the_current_one_for_the_project(project: Path, tmp_path: Path) -> None:
    write(project, {"app/cwd/route.py": "import os\nasync def GET():\n    return {'cwd': os.getcwd()}\n"})
    with running("start", str(project), "--port", "0", cwd=tmp_path.parent) as server:
        assert json.loads(server.get("/cwd")) == {"cwd": str(project.resolve())}


def test_a_bug_tells_the_client_nothing_and_the_log_everything(project: Path) -> None:
    with running("start", "--port", "0", cwd=project) as server:
        body = json.loads(server.get("/fails"))
        assert body == {"error": "Internal server error", "id": body["id"]}
        server.wait_for(re.escape(body["id"]))
        server.wait_for("KeyError: 'secret'")


def test_code_that_runs_an_event_loop_while_it_is_imported(project: Path) -> None:
    """It works where modules are imported before the loop runs, which has to be the same in both commands."""
    source = (
        "import asyncio\nWORD = asyncio.run(asyncio.sleep(0, 'ran'))\nasync def GET():\n    return {'word': WORD}\n"
    )
    write(project, {"app/early/route.py": source})
    for name in ("start", "dev"):
        with running(name, "--port", "0", cwd=project) as server:
            assert server.get("/early") == '{"word":"ran"}', name


def test_the_first_answer_comes_without_rich_and_the_watcher() -> None:
    import subprocess

    program = "import sys, waypost.cli.start, waypost.cli.serving; print({'rich', 'watchfiles'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    assert "start" in group.list_commands(None)  # type: ignore[arg-type]  # the context is not used
