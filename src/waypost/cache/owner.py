"""Who holds a lease: this process, in a form that others on the same machine can look up.

Only Linux tells enough about a process to be sure that it is gone and its number not used again. Elsewhere, and from
another machine or container, a lease ends by its time.
"""

from __future__ import annotations

import os
from pathlib import Path


def boot_id() -> str:
    """Which start of the machine this is; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When the process began, in clock ticks since the machine did; empty when it is gone."""
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    # The name of the program, in parentheses, may hold spaces and parentheses itself.
    fields = status[status.rfind(b")") + 1 :].split()
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode("ascii")


def _place() -> str:
    """The machine and the numbering of processes that this one belongs to; empty where they are not known."""
    boot = boot_id()
    try:
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}" if boot else ""
    except OSError:
        return ""


def this_process() -> str:
    """The owner's name of this process."""
    place = _place()
    return f"{place}|{os.getpid()}|{_started(os.getpid())}" if place else f"|{os.getpid()}|"


def is_gone(owner: str) -> bool:
    """Whether the process is surely gone. False says nothing."""
    place, _, rest = owner.partition("|")
    pid, _, started = rest.partition("|")
    if not place or place != _place() or not pid.isdecimal():
        return False
    return _started(int(pid)) != started
