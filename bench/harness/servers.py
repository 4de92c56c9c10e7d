"""Who is measured: one entry for each server, with the command that starts it in its documented defaults.

Every server runs one worker, its access log off. `{port}` in a command is filled in at the start.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.places import BENCH, FILE, NODE, PROJECTS, VENV
from harness.workloads import WORKLOADS, Workload

NO_PYDANTIC = frozenset({"pydantic"})


@dataclass(frozen=True, slots=True)
class Server:
    """name: row of the tables. command, directory: how and where it is started.

    guarded_directory: where the guarded copy is started, when that is another project; otherwise the same
    command runs with BENCH_GUARDED=1. lacks: workloads it has no answer to.
    needs: a file without which it can't start. group: "limit", "waypost" or "peer". paths: of the workloads that it is
    asked elsewhere.
    """

    name: str
    command: tuple[str, ...]
    directory: Path
    group: str = "peer"
    lacks: frozenset[str] = frozenset()
    guarded_directory: Path | None = None
    needs: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)

    paths: dict[str, str] = field(default_factory=dict)

    def answers(self, workload: Workload) -> bool:
        asked_of = workload.asked_of
        return workload.name not in self.lacks and (asked_of is None or self.name in asked_of)

    def asked(self, workload: Workload) -> Workload:
        """The workload as this server is asked."""
        return replace(workload, path=self.paths.get(workload.name, workload.path))


def _bin(name: str) -> str:
    return str(VENV / "bin" / name)


def _uvicorn(target: str) -> tuple[str, ...]:
    options = "--host 127.0.0.1 --port {port} --no-access-log --log-level error --loop uvloop --http httptools"
    return (_bin("uvicorn"), *options.split(), target)


def _granian(target: str, interface: str) -> tuple[str, ...]:
    options = f"--host 127.0.0.1 --port {{port}} --log-level error --loop uvloop --workers 1 --interface {interface}"
    return (_bin("granian"), *options.split(), target)


def _python(name: str, command: tuple[str, ...], **more: object) -> Server:
    return Server(name, command, BENCH / "servers", needs=Path(command[0]), **more)  # type: ignore[arg-type]  # the named fields of Server


def _waypost(name: str, command: tuple[str, ...], **more: object) -> Server:
    return Server(
        name,
        command,
        PROJECTS / "plain",
        group="waypost",
        guarded_directory=PROJECTS / "guarded",
        needs=Path(command[0]),
        # FastAPI brings opentelemetry-api into the environment; nobody here has spans to record.
        environment={"WAYPOST_ACCESS_LOG": "false", "WAYPOST_TELEMETRY": "false"},
        **more,  # type: ignore[arg-type]  # the named fields of Server
    )


def _node(name: str, script: str) -> Server:
    return Server(name, ("node", str(NODE / script)), NODE, lacks=NO_PYDANTIC, needs=NODE / "node_modules")


_NEXT = (
    "node",
    str(NODE / "node_modules/next/dist/bin/next"),
    "start",
    "--port",
    "{port}",
    "--hostname",
    "127.0.0.1",
)
_START = (_bin("waypost"), "start", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1")
_ALL_BUT_DOWNLOAD = frozenset(WORKLOADS) - {"download"}
_ALL_BUT_TYPED = frozenset(WORKLOADS) - {"query", "post", "pydantic"}
_ALL_BUT_JSON = frozenset(WORKLOADS) - {"json"}
_NGINX_LACKS = frozenset({"query", "post", "pydantic", "rows", "sse", "guarded"})

SERVERS: dict[str, Server] = {
    s.name: s
    for s in (
        _python(
            "bare_protocol",
            (_bin("python"), "bare_protocol.py", "{port}"),
            group="limit",
            lacks=NO_PYDANTIC | {"file"},
        ),
        _waypost("waypost", _START),
        # `download` beside the server's own way with a file of public/.
        _waypost("waypost_static", _START, lacks=_ALL_BUT_DOWNLOAD, paths={"download": "/file"}),
        # `json` behind one middleware: of other paths, and of this one with Response.next().
        replace(_waypost("waypost_passed", _START, lacks=_ALL_BUT_JSON), directory=PROJECTS / "passed"),
        replace(_waypost("waypost_through", _START, lacks=_ALL_BUT_JSON), directory=PROJECTS / "through"),
        # Only started: what a worker under the supervisor needs, which is not also the command.
        _waypost("waypost_two", (*_START[:-1], "2"), lacks=frozenset(WORKLOADS)),
        _waypost("waypost_uvicorn", _uvicorn("main:app")),
        # Handlers that take typed arguments, where those of projects/plain parse by hand.
        replace(_waypost("waypost_typed", _START, lacks=_ALL_BUT_TYPED), directory=PROJECTS / "typed"),
        replace(
            _waypost("waypost_typed_uvicorn", _uvicorn("main:app"), lacks=_ALL_BUT_TYPED), directory=PROJECTS / "typed"
        ),
        _waypost("waypost_granian", _granian("main:app", "asgi")),
        _python("bare_rsgi_granian", _granian("bare_rsgi:app", "rsgi"), group="limit", lacks=NO_PYDANTIC),
        _python("bare_asgi_granian", _granian("bare_asgi:app", "asgi"), group="limit"),
        _python("bare_asgi_uvicorn", _uvicorn("bare_asgi:app"), group="limit"),
        _python("starlette_uvicorn", _uvicorn("starlette_app:app")),
        _python("starlette_granian", _granian("starlette_app:app", "asgi")),
        _python("litestar_uvicorn", _uvicorn("litestar_app:app")),
        _python("litestar_granian", _granian("litestar_app:app", "asgi")),
        _python("blacksheep_uvicorn", _uvicorn("blacksheep_app:app")),
        _python("blacksheep_granian", _granian("blacksheep_app:app", "asgi")),
        _python("fastapi_uvicorn", _uvicorn("fastapi_app:app")),
        _python("fastapi_granian", _granian("fastapi_app:app", "asgi")),
        _node("node_http", "http_app.mjs"),
        _node("hono", "hono_app.mjs"),
        Server(
            "next",
            _NEXT,
            NODE / "next",
            lacks=NO_PYDANTIC,
            guarded_directory=NODE / "next_guarded",
            needs=NODE / "next/.next/BUILD_ID",
        ),
        Server(
            "nginx",
            ("nginx", "-p", "{scratch}", "-c", "{scratch}/nginx.conf"),
            BENCH,
            group="limit",
            lacks=_NGINX_LACKS,
            environment={"BENCH_NGINX": "1"},
        ),
    )
}

SAME_SERVER = [
    "bare_asgi_uvicorn",
    "waypost_uvicorn",
    "starlette_uvicorn",
    "litestar_uvicorn",
    "blacksheep_uvicorn",
    "fastapi_uvicorn",
    "hono",
    "next",
]


def baseline(names: list[str]) -> str:
    """The server whose figure is 1.00 in the tables: the fastest limit among those measured."""
    for name in ("bare_protocol", "bare_asgi_uvicorn", "bare_rsgi_granian", "bare_asgi_granian"):
        if name in names:
            return name
    return names[0]


def nginx_configuration(port: int, scratch: Path) -> str:
    """One worker in the foreground, nothing logged, constant answers for /json and /cached, the file by sendfile."""
    body = '{"message":"Hello, World!","ok":true,"n":42}'
    temporary = "\n  ".join(
        f"{kind}_temp_path {scratch}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
user root;
daemon off;
worker_processes 1;
pid {scratch}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  {temporary}
  sendfile on;
  keepalive_requests 1000000000;
  default_type application/json;
  server {{
    listen 127.0.0.1:{port};
    location = /json {{ return 200 '{body}'; }}
    location = /cached {{ return 200 '{body}'; }}
    location = /file {{ default_type application/octet-stream; alias {FILE}; }}
    location = /download {{
      default_type application/octet-stream;
      add_header Content-Disposition "attachment; filename=100m.bin";
      alias {FILE};
    }}
  }}
}}
"""
