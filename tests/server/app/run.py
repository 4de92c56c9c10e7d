"""Runs a supervisor, or one worker without: `run.py PORT-FILE COUNT CONFIG [STATUS-PORT]`; COUNT 0 is without."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from waypost.server.logs import set_up
from waypost.server.sockets import listen_tcp
from waypost.server.supervisor import serve
from waypost.server.worker import make_serving, run

port_file, count, config = sys.argv[1:4]
status = ("127.0.0.1", int(sys.argv[4])) if len(sys.argv) > 4 else None
arguments = json.loads(config)
set_up()
listener = listen_tcp("127.0.0.1", 0, 1024)
port = listener.getsockname()[1]


def ready() -> None:
    Path(f"{port_file}.new").write_text(str(port))
    Path(f"{port_file}.new").rename(port_file)


if int(count):
    grace = float(arguments.get("shutdown_grace", 10))
    sys.exit(serve("serving:make", arguments, [listener], count=int(count), grace=grace, status=status, on_ready=ready))
sys.exit(run(make_serving("serving:make", arguments), [listener], on_ready=ready))
