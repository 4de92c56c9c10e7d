"""Sends back what it is sent."""

from waypost import WebSocket


async def WEBSOCKET(socket: WebSocket) -> None:
    async for message in socket:
        await socket.send(message)
