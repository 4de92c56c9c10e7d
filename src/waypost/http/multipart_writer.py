"""A FormData as a multipart/form-data body. Source: HTML standard, "multipart/form-data encoding algorithm"."""

from __future__ import annotations

import os
import re

from waypost.http.blob import File
from waypost.http.form_data import FormData
from waypost.http.percent import scalar_text

_NEWLINE = re.compile(r"\r\n|\r|\n")


def encode_multipart(form: FormData) -> tuple[str, bytes]:
    """(Content-Type with the boundary, body). Reads files that are on disk, and blocks for that."""
    boundary = f"----WaypostFormBoundary{os.urandom(16).hex()}"
    pieces: list[bytes] = []
    for entry, value in form.entries():
        name = _NEWLINE.sub("\r\n", entry)
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quote(name)}"'
        if isinstance(value, File):
            kind = value.type or "application/octet-stream"
            head += f'; filename="{_quote(scalar_text(value.name))}"\r\nContent-Type: {kind}'
            content = value.read()
        else:
            content = _NEWLINE.sub("\r\n", value).encode()
        pieces += (head.encode(), b"\r\n\r\n", content, b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(pieces)


def _quote(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
