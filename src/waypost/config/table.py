"""The table of settings: the fields of `Config`.

The keys of `[tool.waypost]` in pyproject.toml, the `WAYPOST_*` variables, the options of the commands and the page
docs/configuration.md all come from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from waypost.description import DESCRIPTION, Description
from waypost.rule import (
    HEADER_RULES,
    ORIGINS,
    REDIRECT_RULES,
    REWRITE_RULES,
    WEBSOCKET_ORIGINS,
    HeaderRule,
    RedirectRule,
    RewriteRule,
)
from waypost.setting import (
    BASE_PATH,
    BUILD_ID,
    CACHE_URL,
    DOCUMENT_PATH,
    DURATION,
    FILE,
    FLAG,
    KIB,
    MIB,
    PEERS,
    SIZE,
    TEXT,
    WORKERS,
    Kind,
    Setting,
    choice,
    number,
)

Mode = Literal["production", "development", "test"]
PREFIX: Final = "WAYPOST_"


_declared: list[Setting] = []  # in the order of the fields


def _set(default: object, kind: Kind, group: str, doc: str, *, variable: str = "") -> Any:
    _declared.append(Setting(kind, doc, group, variable))
    return default


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one application. Sizes are bytes, durations seconds, and 0 switches a time-out off.

    A Struct: the code that a dataclass writes for so many fields would be most of a megabyte of every worker.

    root: the folder of the project, absolute. mode: decides error pages, watching and caching.
    """

    root: Path
    mode: Mode = "production"

    base_path: str = _set("", BASE_PATH, "Routing", "Path below which the whole application lives, as `/docs`.")
    trailing_slash: bool = _set(
        False, FLAG, "Routing", "Canonical paths end with a slash: `/about` is redirected to `/about/`."
    )
    skip_trailing_slash_redirect: bool = _set(
        False, FLAG, "Routing", "Serve both forms of a path and redirect neither."
    )

    compress: bool = _set(
        True, FLAG, "Responses", "Compress answers of 1 KiB and more with zstd, br or gzip, as the client accepts."
    )

    headers: tuple[HeaderRule, ...] = _set(
        (), HEADER_RULES, "Rules", "Headers of answers, by path: see [middleware](middleware.md#configured-headers)."
    )
    redirects: tuple[RedirectRule, ...] = _set(
        (), REDIRECT_RULES, "Rules", "Redirects, by path: see [middleware](middleware.md#configured-redirects)."
    )
    rewrites: tuple[RewriteRule, ...] = _set(
        (),
        REWRITE_RULES,
        "Rules",
        "Paths that another path or another server answers: see [middleware](middleware.md#configured-rewrites).",
    )
    rewrite_origins: tuple[str, ...] = _set(
        (), ORIGINS, "Rules", "Other servers that middleware may rewrite to, as `https://api.example.com`."
    )
    rewrite_timeout: float = _set(
        60.0, DURATION, "Rules", "Longest silence of another server that a request was rewritten to."
    )

    max_body_size: int = _set(
        MIB,
        SIZE,
        "Limits",
        "Largest request body; beyond it the answer is 413. A route may say more with `max_body_size`.",
    )
    max_form_fields: int = _set(1000, number(), "Limits", "Most text fields in one form.")
    max_form_files: int = _set(100, number(), "Limits", "Most files in one form.")
    max_form_field_size: int = _set(
        MIB, SIZE, "Limits", "Largest text field of a form. It is held in memory; a file is not."
    )
    max_part_header_size: int = _set(8 * KIB, SIZE, "Limits", "Largest header block of one part of a multipart form.")
    max_part_headers: int = _set(16, number(1), "Limits", "Most headers of one part of a multipart form.")
    form_spool_size: int = _set(
        MIB, SIZE, "Limits", "A file of a form that is larger goes to a temporary file on disk."
    )
    max_url_size: int = _set(16 * KIB, SIZE, "Limits", "Longest request target; beyond it the answer is 414.")
    max_headers: int = _set(100, number(1), "Limits", "Most header lines of a request; beyond it the answer is 431.")
    max_header_size: int = _set(
        64 * KIB, SIZE, "Limits", "Largest header block of a request; beyond it the answer is 431."
    )

    header_timeout: float = _set(
        10.0, DURATION, "Time", "From the connection (or the first byte of a later request) to the end of the headers."
    )
    body_timeout: float = _set(30.0, DURATION, "Time", "Longest pause between two pieces of a request body.")
    min_body_rate: int = _set(
        1024, SIZE, "Time", "Slowest body upload, in bytes a second, measured after the first `body_timeout`."
    )
    keep_alive_timeout: float = _set(30.0, DURATION, "Time", "How long an idle connection is kept.")
    write_timeout: float = _set(
        60.0, DURATION, "Time", "How long a client may take nothing of its answer before the connection is cut."
    )
    stream_timeout: float = _set(
        0.0,
        DURATION,
        "Time",
        "Longest pause between two pieces of a streamed answer, after which it is cut; 0 is no limit.",
    )
    handler_timeout: float = _set(0.0, DURATION, "Time", "Longest run of a handler up to its response; 0 is no limit.")
    shutdown_grace: float = _set(
        10.0, DURATION, "Time", "What running requests, streams and `after()` work get when the server stops."
    )

    max_pending_after: int = _set(
        10_000, number(1), "Limits", "Most pieces of `after()` work that wait in a worker; beyond it the answer is 503."
    )
    websocket_max_size: int = _set(
        MIB, SIZE, "WebSockets", "Largest message; one that is larger closes the connection with 1009."
    )
    websocket_max_queue: int = _set(
        32,
        number(1),
        "WebSockets",
        "Messages that wait for their handler before no more are read; of `websocket_max_size` together at most.",
    )
    websocket_ping_interval: float = _set(
        20.0, DURATION, "WebSockets", "Silence of a client after which it is sent a ping."
    )
    websocket_ping_timeout: float = _set(
        20.0, DURATION, "WebSockets", "How long a client may leave a ping unanswered before the connection is closed."
    )
    websocket_idle_timeout: float = _set(
        0.0, DURATION, "WebSockets", "Longest time without a message, pings do not count."
    )
    websocket_close_timeout: float = _set(
        10.0,
        DURATION,
        "WebSockets",
        "What a client gets to answer a close, and a handler to end when its client has left, before it is cancelled.",
    )
    websocket_compression: bool = _set(
        False, FLAG, "WebSockets", "Compress messages where the client offers it; costs about 35 KiB a connection."
    )
    websocket_origins: tuple[str, ...] = _set(
        (),
        WEBSOCKET_ORIGINS,
        "WebSockets",
        "Other sites whose pages may open a WebSocket, as `https://app.example`, `https://*.example.com` or `*`."
        " A route may say more with `websocket_origins`.",
    )

    cache_url: str = _set(
        "",
        CACHE_URL,
        "Cache",
        "Store of cached answers and data. Nothing: a file below `.waypost/cache`, shared by all workers of the"
        " machine. `redis://…` (or `rediss://`, `unix://`): Redis or Valkey, shared by many machines. `memory:`: each"
        " worker for itself, so that a revalidation reaches one of them.",
    )
    cache_max_memory: int = _set(
        64 * MIB, SIZE, "Cache", "Entries that one worker holds in memory, in front of the store; 0 is none."
    )
    cache_max_size: int = _set(
        512 * MIB, SIZE, "Cache", "Largest size of the file. Redis has a limit of its own, `maxmemory`."
    )
    cache_max_tags: int = _set(
        100_000,
        number(1),
        "Cache",
        "Revalidated tags that are remembered. Beyond it the oldest go, and entries older than them are made anew.",
    )
    cache_consistency: Literal["fast", "strict"] = _set(
        "fast",
        choice("fast", "strict"),
        "Cache",
        "Redis only. `fast`: a revalidation on another machine is seen within 100 ms, and a hit asks nobody."
        " `strict`: it is seen at once, and each hit asks the store.",
    )
    cache_timeout: float = _set(
        0.1, DURATION, "Cache", "How long an answer of the store is waited for, before the handler runs instead."
    )
    expire_time: float = _set(
        31_536_000.0,
        DURATION,
        "Cache",
        "How long a static answer with `revalidate` may be served stale, when nobody asked for it meanwhile.",
    )
    build_id: str = _set(
        "",
        BUILD_ID,
        "Cache",
        "Name of the deployment; cached entries of another one are not used. Nothing: a digest of the project's code.",
    )

    host: str = _set(
        "0.0.0.0",
        TEXT,
        "Server",
        "Address that `waypost start` binds. `waypost dev` binds 127.0.0.1 unless it is told otherwise.",
        variable="HOST",
    )
    port: int = _set(3000, number(0, 65535), "Server", "Port; 0 takes a free one.", variable="PORT")
    uds: Path | None = _set(None, FILE, "Server", "Unix socket to bind instead of host and port.")
    workers: int = _set(1, WORKERS, "Server", "Processes of `waypost start`; `auto` is one a core.")
    backlog: int = _set(16384, number(1), "Server", "Connections that may wait to be accepted.")
    max_concurrent_requests: int = _set(
        0, number(), "Server", "Requests that one worker answers at a time; more get 503. 0 is no limit."
    )
    max_requests: int = _set(0, number(), "Server", "A worker is replaced after this many requests; 0 is never.")
    worker_memory_limit: int = _set(0, SIZE, "Server", "A worker that holds more memory is replaced; 0 is no limit.")
    status_port: int = _set(
        0,
        number(0, 65535),
        "Server",
        "Port of `/health` and `/metrics` (Prometheus), answered beside the workers of `waypost start`; 0 is none.",
    )
    status_host: str = _set("127.0.0.1", TEXT, "Server", "Address of that port.")
    trusted_proxies: tuple[str, ...] = _set(
        (),
        PEERS,
        "Server",
        "Peers whose `X-Forwarded-*` headers are believed: addresses, networks, or `unix` for a Unix socket.",
    )
    proxy_protocol: bool = _set(
        False, FLAG, "Server", "Connections begin with a PROXY header (v1 or v2), taken from `trusted_proxies` only."
    )
    tls_certificate: Path | None = _set(
        None, FILE, "Server", "PEM file with the certificate and its chain; with `tls_key` the server speaks HTTPS."
    )
    tls_key: Path | None = _set(None, FILE, "Server", "PEM file with the private key, not encrypted.")

    openapi: Description = _set(
        Description(), DESCRIPTION, "OpenAPI", "Title, version and more: see [OpenAPI](openapi.md#what-no-file-says)."
    )
    openapi_path: str = _set(
        "",
        DOCUMENT_PATH,
        "OpenAPI",
        "Path that answers with the OpenAPI document. Nothing: `/openapi.json` in `waypost dev`, none in production."
        " `off`: none in both.",
    )
    docs_path: str = _set(
        "",
        DOCUMENT_PATH,
        "OpenAPI",
        "Path of the page that shows it. Nothing: `/docs` in `waypost dev`, none in production. `off`: none in both.",
    )
    openapi_file: Path = _set(
        Path("openapi.json"), FILE, "OpenAPI", "Committed document that `waypost check` compares with, if it is there."
    )

    telemetry: bool = _set(True, FLAG, "Log", "Spans and metrics by OpenTelemetry, where the program set up its SDK.")
    log_format: Literal["text", "json"] = _set("text", choice("text", "json"), "Log", "Shape of a log line.")
    access_log: bool = _set(False, FLAG, "Log", "Write a line for each request. `waypost dev` always does.")

    @property
    def dev(self) -> bool:
        """True under `waypost dev`: errors are shown to the client and nothing is served from the cache."""
        return self.mode == "development"

    @property
    def source_dir(self) -> Path:
        """The folder that is put on the import path: `root`, or `root/src` when the routes are in `src/app`."""
        src = self.root / "src"
        return src if not (self.root / "app").is_dir() and (src / "app").is_dir() else self.root

    @property
    def app_dir(self) -> Path:
        """The folder of the routes; it need not exist."""
        return self.source_dir / "app"

    @property
    def public_dir(self) -> Path:
        """The folder of the files that are served as they are; it need not exist."""
        return self.root / "public"


#: By the name of the field; `root` and `mode` are no settings.
SETTINGS: Final[Mapping[str, Setting]] = dict(zip(Config.__struct_fields__[2:], _declared, strict=True))
