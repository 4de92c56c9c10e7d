"""The application for any ASGI server: `uvicorn main:app`, `granian --interface asgi main:app`, `hypercorn main:app`.

`waypost dev` and `waypost start` do not need this file.
"""

from __future__ import annotations

from pathlib import Path

from waypost import create_app

app = create_app(Path(__file__).parent)
