"""Names that try to lead out of a folder: every spelling that once fooled somebody, put together with every target."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

_UP = [
    "../", "..\\", "..//", "../../", "..\\..\\", "./../", ".\\..\\", "....//", "....\\\\", "..././", "...\\.\\",
    "..;/", "../\x00/", "..\x00/", ".. /", " ../", "../ ", "..\t/", "..\n/", "..%2f", "..%5c", "%2e%2e/", "%2e%2e%2f",
    "%252e%252e%252f", "..%c0%af", "..%c1%9c", "%c0%ae%c0%ae/", "..%u2215", "..\u2215", "..\u2044", "..\uff0f",
    "\uff0e\uff0e/", "．．／", "‥/", "/../", "//../", "\\..\\", "sub/../../", "sub\\..\\..\\", "sub/./../../",
    "a.txt/../", "a.txt/../../", "C:", "C:/", "C:\\", "c:../", "\\\\?\\", "\\\\.\\", "\\\\host\\share\\",
    "//host/share/", "file://", "file:///", "~/", "~root/", "$HOME/", "%HOME%/", "/proc/self/cwd/../",
    "/proc/self/root/", "link-dir/", "link-dir/./", "sub/link-dir/", "sub/../",
]  # fmt: skip
_TARGETS = ["secret.txt", "outside/secret.txt", "root-sibling/secret.txt", "etc/passwd", ""]
_WHOLE = [
    "", ".", "..", "...", " ", "/", "\\", "//", "./", "../", "link", "link-inside", "dangling", "link-dir", "sub",
    "sub/", "sub//b.txt", "sub/b.txt", "/sub/b.txt", "./a.txt", "a.txt/", "a.txt/.", "a.txt ", "a.txt.", "a.txt\x00",
    "a.txt\x00.png", "\x00a.txt", "a.txt::$DATA", ".hidden", ".git", ".env", ".htaccess", "fifo", "socket", "-", "~",
    "~root", "*", "?", "a.*", "CON", "con", "Con.txt", "PRN", "AUX.log", "NUL", "nul.tar.gz", "COM1", "com9.txt",
    "LPT1", "LPT9.x", "CONIN$", "CONOUT$", "COM¹", "aux ", "/etc/passwd", "/etc/shadow", "/dev/zero", "/dev/stdin",
    "/proc/self/environ", "/proc/self/mem", "/proc/self/fd/0", "C:\\windows\\win.ini", "x" * 256, "x" * 5000,
    "a/" * 3000 + "x", "\ud800", "\udc80", "a\ud800.txt", "\udcff", "a\nb", "a\rb", "a\x7fb", "é" * 200,
]  # fmt: skip

_corpus = json.loads((Path(__file__).parents[1] / "data" / "framework-bad-inputs.json").read_text())["traversal_names"]

#: names as a handler sees them, none of which is a file to be had
NAMES: list[str] = list(
    dict.fromkeys(
        [
            *(up + target for up in _UP for target in _TARGETS),
            *_WHOLE,
            *_corpus,
            *(unquote(name) for name in _corpus),
            *(unquote(unquote(name)) for name in _corpus),
        ]
    )
)


def make_root(folder: Path) -> Path:
    """A root to serve from, with a secret beside it, and links, folders, a FIFO and a socket in it."""
    import os
    import socket

    root = folder / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("public")
    (root / "ok.txt").write_text("public")
    (root / "sub" / "b.txt").write_text("below")
    (root / ".hidden").write_text(SECRET)
    (folder / "secret.txt").write_text(SECRET)
    for name in ("outside", "root-sibling"):
        (folder / name).mkdir()
        (folder / name / "secret.txt").write_text(SECRET)
    (root / "link").symlink_to(folder / "secret.txt")
    (root / "link-out").symlink_to(folder / "secret.txt")
    (root / "link-inside").symlink_to(root / "a.txt")
    (root / "dangling").symlink_to(root / "nothing")
    (root / "link-dir").symlink_to(folder)
    (root / "dirlink-out").symlink_to(folder)
    (root / "sub" / "link-dir").symlink_to(folder)
    os.mkfifo(root / "fifo")
    here = os.open(".", os.O_RDONLY)
    listener = socket.socket(socket.AF_UNIX)
    os.chdir(root)  # the path of a socket may have 108 characters
    try:
        listener.bind("socket")
    finally:
        os.fchdir(here)
        os.close(here)
        listener.close()
    return root


SECRET = "the canary"
