"""The project as an ASGI application, for uvicorn and granian."""

from waypost import create_app

app = create_app()
