"""Listening sockets and the errors that people meet with them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from waypost.errors import StartupError
from waypost.server.sockets import (
    address_of,
    adopt,
    listen_tcp,
    listen_unix,
    raise_file_limit,
    refuse_handshakes,
    systemd_sockets,
)


def test_a_port_in_use_is_a_start_up_error() -> None:
    with listen_tcp("127.0.0.1", 0, 5) as first:
        with pytest.raises(StartupError, match="is in use"):
            listen_tcp("127.0.0.1", first.getsockname()[1], 5)
        assert address_of(first) == f"127.0.0.1:{first.getsockname()[1]}"
    with pytest.raises(StartupError, match="is unknown"):
        listen_tcp("no.such.host.invalid", 0, 5)
    with pytest.raises(StartupError, match="is not ours"):
        listen_tcp("192.0.2.1", 0, 5)


def test_a_dead_unix_socket_is_replaced_and_a_living_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as first:
        first.bind(str(path))
        first.listen()
        with pytest.raises(StartupError, match="is in use"):
            listen_unix(path, 5)
    assert path.exists()
    with listen_unix(path, 5) as second:
        assert address_of(second) == str(path)
    path.write_text("a file")
    with pytest.raises(StartupError):
        listen_unix(path, 5)
    assert path.read_text() == "a file"


def test_a_unix_socket_of_ours_takes_its_file_away_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    first = listen_unix(path, 5)
    first.dup().close()
    assert path.exists(), "the file is the listener's, which lives on"
    adopted = adopt([os.dup(first.fileno())])[0]
    adopted.close()
    assert path.exists(), "a worker inherits the listener, and not its file"
    first.close()
    first.close()
    assert not path.exists()
    first = listen_unix(path, 5)
    path.unlink()
    second = listen_unix(path, 5)
    first.close()
    assert path.exists(), "it is another server's by now"
    second.close()
    assert not path.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
def test_the_address_of_an_abstract_socket_can_be_told() -> None:
    name = f"waypost-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        assert address_of(listener) == f"@{name}"


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")
def test_refused_handshakes_do_not_complete_and_earlier_ones_are_kept() -> None:
    with listen_tcp("127.0.0.1", 0, 5) as listener:
        early = socket.create_connection(listener.getsockname(), timeout=1)
        early.sendall(b"x")
        assert refuse_handshakes(listener)
        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname(), timeout=0.3)
        accepted, _ = listener.accept()
        assert accepted.recv(1) == b"x"
        accepted.close()
        early.close()


def test_systemd_sockets() -> None:
    assert systemd_sockets() == []
    program = (
        "import os, sys\n"
        "os.dup2(int(sys.argv[1]), 3)\n"  # systemd hands its sockets over as 3, 4, …
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
        "from waypost.server.sockets import systemd_sockets, address_of\n"
        "print([address_of(item) for item in systemd_sockets()], 'LISTEN_FDS' in os.environ)"
    )
    with listen_tcp("127.0.0.1", 0, 5) as listener:
        told = subprocess.run(
            [sys.executable, "-c", program, str(listener.fileno())],
            pass_fds=[listener.fileno()],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert told.strip() == f"['{address_of(listener)}'] False"


def test_the_limit_of_files_is_raised() -> None:
    import resource

    assert raise_file_limit() > 0
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == resource.getrlimit(resource.RLIMIT_NOFILE)[1]
