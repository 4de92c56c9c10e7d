import asyncio

from waypost import Request
from waypost.testing import Client

from app.api.hello.route import GET


def test_hello(client: Client) -> None:
    assert client.get("/api/hello").json() == {"message": "Hello, world!"}


def test_a_handler_can_be_called_directly() -> None:
    response = asyncio.run(GET(Request("http://localhost/api/hello?name=Ada")))
    assert response.status == 200
