"""Where the bench keeps its things. Knows no server."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
DATA = BENCH / "data"
BODY = DATA / "order.json"
FILE = DATA / "100m.bin"
FILE_SIZE = 100 * 1024 * 1024
FORM = DATA / "100m.form"
FORM_TYPE = "multipart/form-data; boundary=----bench"
RESULTS = BENCH / "results"
LOGS = RESULTS / "logs"
NODE = BENCH / "node"
PROJECTS = BENCH / "projects"
# PYTHONPATH of the servers: what they all share, then the caller's own, so that another checkout can be measured.
SERVER_PATH = os.pathsep.join(filter(None, (str(BENCH / "servers"), os.environ.get("PYTHONPATH"))))
VENV = Path(os.environ.get("BENCH_VENV", BENCH / ".venv"))


def _block(number: int) -> bytes:
    """One KiB that differs from every other, so that a lost or doubled part of the file is noticed."""
    return (b"%015d\n" % number) * 64


def file_digest() -> str:
    """SHA-256 (hex) that the 100 MB file must have."""
    digest = hashlib.sha256()
    for number in range(FILE_SIZE // 1024):
        digest.update(_block(number))
    return digest.hexdigest()


def make_file() -> None:
    """Write the 100 MB file and the form with it unless they are there, and link the file into public/."""
    _write_file()
    _write_form()
    public = PROJECTS / "plain" / "public" / "file"
    if not (public.exists() and public.samefile(FILE)):
        public.unlink(missing_ok=True)
        public.parent.mkdir(exist_ok=True)
        public.hardlink_to(FILE)


def _write_form() -> None:
    if FORM.exists() and FORM.stat().st_size > FILE_SIZE:
        return
    partial = FORM.with_suffix(".part")
    with FILE.open("rb") as file, partial.open("wb") as out:
        out.write(b'------bench\r\nContent-Disposition: form-data; name="file"; filename="100m.bin"\r\n')
        out.write(b"Content-Type: application/octet-stream\r\n\r\n")
        shutil.copyfileobj(file, out, 1 << 20)
        out.write(b"\r\n------bench--\r\n")
    partial.replace(FORM)


def _write_file() -> None:
    if FILE.exists() and FILE.stat().st_size == FILE_SIZE:
        return
    partial = FILE.with_suffix(".part")
    with partial.open("wb") as out:
        for number in range(FILE_SIZE // 1024):
            out.write(_block(number))
    partial.replace(FILE)
