"""`serve(handler)`: a real server on a real port, as the server's own tests have it."""

from tests.server.conftest import serve

__all__ = ["serve"]
