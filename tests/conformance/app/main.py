"""The application for any ASGI server: `uvicorn main:app`, `granian --interface asgi main:app` …"""

from waypost import create_app

app = create_app()
