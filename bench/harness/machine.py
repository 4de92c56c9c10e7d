"""What a result must say about where it was measured: processor, system, versions. No host name, no path."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from pathlib import Path

from harness.places import NODE, VENV

_PACKAGES = (
    "waypost",
    "uvloop",
    "httptools",
    "msgspec",
    "pydantic",
    "uvicorn",
    "granian",
    "starlette",
    "fastapi",
    "litestar",
    "blacksheep",
)
_VERSIONS = """
import importlib.metadata as m, json, platform, sys
found = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try: found[name] = m.version(name)
    except m.PackageNotFoundError: pass
print(json.dumps(found))
"""


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0] if lines else ""


def _processor() -> str:
    match = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return match[1] if match else platform.machine()


def versions() -> dict[str, str]:
    """Versions of what is measured, as installed now; what is not installed is left out."""
    found: dict[str, str] = {}
    python = VENV / "bin" / "python"
    if python.exists():
        found.update(json.loads(_first_line(str(python), "-c", _VERSIONS, *_PACKAGES) or "{}"))
    for name in ("hono", "@hono/node-server", "next"):
        package = NODE / "node_modules" / name / "package.json"
        if package.exists():
            found[name] = json.loads(package.read_text())["version"]
    for name, command in (("node", ("node", "-v")), ("nginx", ("nginx", "-v")), ("wrk", ("wrk", "-v"))):
        match = re.search(r"\d+\.\d+\.\d+", _first_line(*command))
        if match:
            found[name] = match[0]
    return found


def describe() -> dict[str, object]:
    """The machine and the versions, for the head of a result."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux") if Path("/etc/os-release").exists() else ""
    return {
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "system": system,
        "kernel": platform.release().split("-")[0],
        "versions": versions(),
    }
