"""One connection to Redis or Valkey, used by all tasks at once: commands go out in order, answers come back in order.

It speaks RESP3, so that messages are pushed on the same connection: when the answer to a command is here, every
message from before the command is here too. redis-py connects, authenticates and parses. Knows no script's meaning.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from redis.asyncio.connection import Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LinkError
from redis.exceptions import NoScriptError, RedisError, ResponseError

from waypost.errors import StartupError

# Commands that wait for their answers; beyond it the server is not keeping up, and asking more makes it worse.
MAX_WAITING: Final = 10_000
MAX_PINGED: Final = 100
# Of a LastingLink, in seconds: without an answer after which a connection is given up; between two attempts to
# connect, and for which a command may wait for one that has failed before; that an attempt may take.
SILENCE: Final = 0.5
PAUSE: Final = 0.1
CONNECT: Final = 5.0
_PING: Final = b"*1\r\n$4\r\nPING\r\n"


def check_url(url: str, what: str) -> None:
    """Raise StartupError for the URL of a Redis that is malformed. what: has this URL.

    What is wrong with it is not told in detail: of a password with a slash, the beginning is taken for the port.
    """
    try:
        parse_url(url)
    except ValueError:
        raise StartupError(
            f"the URL of {what} is malformed",
            remedy="Write redis://user:password@host:6379/0, with %2F, %23 and %40 for /, # and @ in the password.",
        ) from None


class Link:
    """From open() until the connection breaks or close(). Not opened twice.

    channel: what to listen to, if anything; on_push(payload): a message there. run_id: of the server, where there is a
    channel: a server that was started again may have forgotten what it told. on_end(reason): the connection broke;
    not called for close(). on_answer(sent): an answer to a command that was sent at this moment, on the clock of
    time.monotonic(). Raises ValueError for a URL that is malformed.
    """

    def __init__(self, url: str, channel: str | None = None, on_push: Callable[[bytes], object] | None = None) -> None:
        self.run_id = ""
        self.ended = False
        self.on_end: Callable[[Link, str], object] | None = None
        self.on_answer: Callable[[float], object] | None = None
        self._channel = channel
        self._on_push = on_push
        self._connection: Any = _make_connection(url)  # redis-py types little of it
        self._subscribed = asyncio.Event()
        self._asked = 0
        self._waiting: deque[tuple[asyncio.Future[Any] | None, float]] = deque()
        self._outbox: list[bytes] = []
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Raises RedisError, OSError."""
        connection = self._connection
        try:
            await connection.connect()
            # As redis-py's own PubSub does it; there is no public way.
            connection._parser.set_pubsub_push_handler(self._pushed)
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._send()), loop.create_task(self._receive())]
            if self._channel is not None:
                self._post([_pack(("SUBSCRIBE", self._channel))])  # answered by a push
                self.run_id = _run_id(await self._info())
                await self._subscribed.wait()
        except BaseException:
            await self.close()
            raise

    async def _info(self) -> bytes:
        try:
            return bytes(await self.call("INFO", "server"))
        except ResponseError:  # not allowed to ask: a restart of the server goes unnoticed
            return b""

    async def call(self, *command: str | bytes | int | float) -> Any:
        """Send a command. Raises RedisError; whoever stops waiting leaves the connection as it is."""
        if self.ended:
            raise LinkError("the connection is closed")
        if len(self._waiting) > MAX_WAITING:
            raise LinkError("too many commands wait for an answer")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, time.monotonic()))
        self._post([_pack(command)])
        return await future

    def ping(self) -> None:
        """Ask for an answer that nobody waits for. Raises nothing."""
        if not self.ended and len(self._waiting) < MAX_PINGED:
            self._waiting.append((None, time.monotonic()))
            self._post([_PING])

    @property
    def silent_for(self) -> float:
        """Seconds since the oldest command was sent that has no answer yet."""
        return time.monotonic() - self._waiting[0][1] if self._waiting else 0.0

    async def run(self, script: Script, keys: list[str], arguments: Sequence[str | bytes | int | float]) -> Any:
        """Run a script. Raises RedisError."""
        self._asked += 1
        mark = b"%d" % self._asked
        rest = (len(keys), *keys, *arguments, mark)
        try:
            answer = await self.call("EVALSHA", script.digest, *rest)
        except NoScriptError:
            answer = await self.call("EVAL", script.text, *rest)
        if not isinstance(answer, list) or len(answer) != 2 or answer[0] != mark:
            # One answer too many or too few, and every later one would be taken for that to another question.
            self._end("the answers are not those to the questions")
            raise LinkError("the answers are not those to the questions")
        return answer[1]

    def _post(self, parts: list[bytes]) -> None:
        self._outbox += parts
        self._wake.set()

    async def _send(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                parts, self._outbox = self._outbox, []
                # Only this task sends: one that is cancelled while it sends takes the connection with it.
                await self._connection.send_packed_command(parts, check_health=False)
        except (RedisError, OSError) as error:
            self._end(str(error))

    async def _receive(self) -> None:
        connection = self._connection
        try:
            while True:
                error: Exception | None = None
                answer: Any = None
                try:
                    answer = await connection.read_response(
                        disable_decoding=True, timeout=math.inf, disconnect_on_error=False
                    )
                except LinkError:
                    raise
                except ResponseError as answered:
                    error = answered
                future, sent = self._waiting.popleft()
                if self.on_answer is not None:
                    self.on_answer(sent)
                if future is not None and not future.done():
                    if error is None:
                        future.set_result(answer)
                    else:
                        future.set_exception(error)
        except (RedisError, OSError, EOFError, IndexError, ValueError) as broken:
            self._end(str(broken) or type(broken).__name__)
        except asyncio.CancelledError:
            if not self.ended:  # the loop comes to its end, and nobody has closed this
                self.ended = True
                await connection.disconnect(nowait=True)
            raise

    async def _pushed(self, message: list[Any]) -> None:
        kind = bytes(message[0])
        if kind == b"message" and self._on_push is not None:
            self._on_push(bytes(message[2]))
        elif kind == b"subscribe":
            self._subscribed.set()

    def _end(self, reason: str) -> None:
        if self.ended:
            return
        self.ended = True
        while self._waiting:
            future, _ = self._waiting.popleft()
            if future is not None and not future.done():
                future.set_exception(LinkError(reason))
        self._closing = asyncio.get_running_loop().create_task(self._close())
        if self.on_end is not None:
            self.on_end(self, reason)

    async def close(self) -> None:
        """End the connection; who waits for an answer gets an error."""
        self.on_end = self.on_answer = None
        self._end("the connection was closed")
        if self._closing is not None:
            await asyncio.wait([self._closing])

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._connection.disconnect(nowait=True)


class LastingLink:
    """A connection to the Redis at `url` that is made when it is needed, and again when it broke.

    Nobody waits for a connection that others have waited for in vain: those commands fail at once.
    Raises ValueError for a URL that is malformed.
    """

    __slots__ = ("_connecting", "_link", "_loop", "_reason", "_tried", "_url")

    def __init__(self, url: str) -> None:
        Link(url)
        self._url = url
        self._link: Link | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connecting: asyncio.Task[Link] | None = None
        self._tried = -math.inf  # when the last attempt to connect began
        self._reason = ""  # why it does not work, as far as is known

    async def call(self, *command: str | bytes | int | float) -> Any:
        """As Link.call; twice where the connection turns out to be dead. Raises RedisError."""
        return await self._twice(lambda link: link.call(*command))

    async def run(self, script: Script, keys: list[str], arguments: Sequence[str | bytes | int | float]) -> Any:
        """As Link.run; twice where the connection turns out to be dead. Raises RedisError."""
        return await self._twice(lambda link: link.run(script, keys, arguments))

    async def _twice(self, ask: Callable[[Link], Awaitable[Any]]) -> Any:
        link = await self._connected()
        try:
            return await ask(link)
        except LinkError:
            # After a restart of the server the old connection is dead, and the news of it may come after the question.
            return await ask(await self._connected())

    async def _connected(self) -> Link:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # what another loop had open is no use here
            self._loop, self._link, self._connecting, self._tried, self._reason = loop, None, None, -math.inf, ""
        link = self._link
        if link is not None and not link.ended:
            if link.silent_for < SILENCE:
                return link
            self._link, self._reason = None, "the server does not answer"
            await link.close()
        if self._connecting is None:
            if loop.time() - self._tried < PAUSE:
                raise LinkError(self._reason)
            self._tried = loop.time()
            self._connecting = loop.create_task(self._connect())
        elif self._reason and loop.time() - self._tried > PAUSE:
            raise LinkError(self._reason)
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> Link:
        link = Link(self._url)
        try:
            async with asyncio.timeout(CONNECT):
                await link.open()
            self._link, self._tried, self._reason = link, -math.inf, ""
        except (RedisError, OSError) as error:
            self._reason = str(error) or type(error).__name__
            raise
        finally:
            self._connecting = None
        return link

    async def close(self) -> None:
        """Close the connection."""
        link, self._link = self._link, None
        if self._loop is not asyncio.get_running_loop():
            return
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
            self._connecting = None
        if link is not None:
            await link.close()


class Script:
    """A Lua script, which the server knows by its digest once it has run.

    What it returns comes back with the last argument, so that an answer can't be taken for that to another question.
    """

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = f"local mark = table.remove(ARGV)\nlocal function answer()\n{text}\nend\nreturn {{mark, answer()}}"
        self.digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


def _pack(command: Sequence[str | bytes | int | float]) -> bytes:
    """A command as the server reads it: an array of texts."""
    parts = [b"*%d\r\n" % len(command)]
    for item in command:
        data = item if isinstance(item, bytes) else str(item).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def _make_connection(url: str) -> Any:
    settings: dict[str, Any] = dict(parse_url(url))
    kind = settings.pop("connection_class", Connection)
    # Time limits are ours: redis-py's would close a connection that others wait on.
    settings.update(protocol=3, socket_timeout=None, retry=Retry(NoBackoff(), 0))
    return kind(**settings)


def _run_id(info: bytes) -> str:
    for line in info.splitlines():
        name, _, value = line.partition(b":")
        if name == b"run_id":
            return value.decode("ascii", "replace")
    return "unknown"
