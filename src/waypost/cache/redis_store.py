"""The store of many machines: Redis or Valkey, in one hash slot for each build.

Revalidations come by push. While answers keep coming on the connection that pushes, memory is sure: an answer says
that every revalidation from before its command has arrived. So a node that is cut off becomes unsure within
SURE_FOR, and asks, or runs the handler. The scripts are in redis_scripts, the connection in redis_link.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import zlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from redis.exceptions import ConnectionError as LinkError
from redis.exceptions import RedisError

from waypost.cache import redis_scripts
from waypost.cache.entry import NEVER, CorruptEntryError, Entry, decode_entry, encode_entry
from waypost.cache.leases import Claim
from waypost.cache.names import digest, draw_number
from waypost.cache.outage import LATE, Outage, within
from waypost.cache.owner import is_gone, this_process
from waypost.cache.shared_page import FLOOR, HEADER, SLOTS, UNSURE, SharedPage
from waypost.cache.store import NOWHERE, Fence, Found
from waypost.cache.tags import UNMARKED, Mark, judge, outdated
from waypost.errors import StoreUnavailable
from waypost.redis_link import Link, Script, check_url

logger = logging.getLogger("waypost.cache")

T = TypeVar("T")

# Seconds for which an answer vouches for the page. A revalidation elsewhere is seen after at most so long.
SURE_FOR: Final = 0.08
BEAT_EVERY: Final = 0.025  # seconds between two questions, while memory is in use
# Seconds of questions after a read. A server without requests asks nothing.
BEAT_FOR: Final = 5.0
IDLE_BEAT: Final = 10.0  # keeps an unused connection from being closed on the way

NOW = Script(redis_scripts.NOW)
READ = Script(redis_scripts.READ)
PUT = Script(redis_scripts.PUT)
REVALIDATE = Script(redis_scripts.REVALIDATE)
CLAIM = Script(redis_scripts.CLAIM)
RENEW = Script(redis_scripts.RENEW)
RELEASE = Script(redis_scripts.RELEASE)


class RedisStore:
    """See shared.SharedStore.

    url: redis://, rediss:// or unix://. build_id: part of every key. page: of the machine. max_tags: revalidated tags
    that are remembered. timeout: seconds after which a call gives up. strict: no need for memory to be sure.
    """

    lease_time = redis_scripts.LEASE_TIME

    def __init__(
        self, url: str, build_id: str, page: Path | None, *, max_tags: int, timeout: float, strict: bool = False
    ) -> None:
        check_url(url, "the cache's Redis")
        self.page = SharedPage(page, temporary=True)
        self.sure_until = 0.0
        self.since = UNSURE
        # Of this connection: what was pushed before an answer is here before it. Another worker may be ahead.
        self.latest = 0
        self._url = url
        # The braces put all keys of the build into one hash slot.
        self._prefix = f"waypost:{{{build_id}}}:"
        self._channel = f"{self._prefix}revalidated"
        self._state = [f"{self._prefix}state", f"{self._prefix}order"]
        self._max_tags = max_tags
        self._timeout = timeout
        self._strict = strict
        self._owner = this_process().replace(" ", "_")
        self._link: Link | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False
        self._wanted_until = 0.0
        self._wanted = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None
        self._reading = Outage("The cache's Redis", self._connect, timeout)
        self._writing = Outage("Writing to the cache's Redis", self._probe_write, timeout)

    # -- connection

    async def open(self) -> None:
        self._closed = False
        self._open_page()
        try:
            await within(2.0, self._connect())
        except (StoreUnavailable, TimeoutError) as error:
            self._reading.fail(str(error) or "no connection in 2 s")
        self._beating = asyncio.get_running_loop().create_task(self._beat())

    async def close(self) -> None:
        self._closed = True
        self.sure_until = 0.0
        await self._reading.close()
        await self._writing.close()
        tasks = [task for task in (self._beating, self._connecting) if task is not None]
        self._beating = self._connecting = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._link is not None:
            await self._link.close()
            self._link = None
        self.page.close()

    def _open_page(self) -> None:
        try:
            self.page.open()
        except OSError as error:
            # The other workers of this machine then see a revalidation when the others do.
            logger.warning("the page of the cache can't be shared between workers: %s", error)
            self.page.make_private()

    async def _connect(self) -> None:
        """Make a connection that answers the current one. Raises StoreUnavailable."""
        if self._link is not None and not self._link.ended:
            return
        link = Link(self._url, self._channel, self._pushed)
        try:
            await link.open()
            state = await link.run(READ, [*self._state, self._name("e", "")], [link.run_id, "0"])
        except (RedisError, OSError) as error:
            await link.close()
            raise StoreUnavailable(str(error)) from error
        except BaseException:
            await link.close()
            raise
        # What was revalidated while there was no connection was pushed to nobody.
        self.since = int(state[1]) if state else UNSURE
        self.latest = 0
        self._change_page(self.page.touch)
        link.on_end, link.on_answer = self._lost, self._vouch
        old, self._link = self._link, link
        if old is not None:
            await old.close()

    def _lost(self, link: Link, reason: str) -> None:
        """The connection broke: one new attempt at once, as servers close connections that are idle."""
        if self._link is not link:
            return
        self._link = None
        self.sure_until = 0.0
        if self._closed or self._connecting is not None:
            return

        async def connect_again() -> None:
            try:
                await within(self._timeout, self._connect())
            except (StoreUnavailable, TimeoutError) as error:
                self._reading.fail(str(error) or reason)
            finally:
                self._connecting = None

        self._connecting = asyncio.get_running_loop().create_task(connect_again())

    async def _drop(self, link: Link, reason: str) -> None:
        """It does not answer: nobody waits for it any more."""
        if self._link is link:
            self._link = None
            self.sure_until = 0.0
            self._reading.fail(reason)
        await link.close()

    async def _ask(self, outage: Outage, ask: Callable[[Link], Awaitable[T]]) -> T:
        """One question, in time. outage: what an error of the server's counts for. Raises StoreUnavailable."""
        for side in (self._reading, outage):
            if side.down:
                raise StoreUnavailable(side.reason)
        link = self._link
        try:
            if link is None and self._connecting is not None:
                await within(self._timeout, asyncio.shield(self._connecting))
                link = self._link
            if link is None:
                raise StoreUnavailable(self._reading.reason or "there is no connection")
            answer = await within(self._timeout, ask(link))
        except TimeoutError:
            reason = f"no answer in {self._timeout * 1000:g} ms"
            if link is not None:
                await self._drop(link, reason)
            raise StoreUnavailable(reason) from None
        except LinkError as error:
            raise StoreUnavailable(str(error)) from error
        except (RedisError, OSError) as error:
            outage.fail(str(error))
            raise StoreUnavailable(str(error)) from error
        return answer

    def _vouch(self, sent: float) -> None:
        self.sure_until = sent + SURE_FOR

    async def _beat(self) -> None:
        """Keep memory sure while it is in use."""
        while True:
            if self._strict or time.monotonic() >= self._wanted_until:
                self._wanted.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_BEAT):
                        await self._wanted.wait()
            link = self._link
            if link is not None:
                link.ping()
            due = time.monotonic() + BEAT_EVERY
            await asyncio.sleep(BEAT_EVERY)
            # After a pause of the loop the answers may be here and not have been looked at.
            on_time = time.monotonic() - due < LATE
            if on_time and link is not None and link is self._link and link.silent_for > self._timeout + BEAT_EVERY:
                await self._drop(link, f"no answer in {self._timeout * 1000:g} ms")
            if not self.page.current():
                self._open_page()

    async def _probe_write(self) -> None:
        link = self._link
        if link is None:
            raise StoreUnavailable("there is no connection")
        try:
            await link.call("SET", f"{self._prefix}probe", "1", "EX", 60)
        except (RedisError, OSError) as error:
            raise StoreUnavailable(str(error)) from error

    def _pushed(self, payload: bytes) -> None:
        generation, *numbers = map(int, payload.split())
        self._raise([HEADER + number % SLOTS for number in numbers], generation)

    def _raise(self, slots: list[int], generation: int) -> None:
        # Also when the slots are raised already: who raised them may not have come to the epoch, which readers look at.
        self._change_page(lambda: self.page.raise_slots(slots, generation))
        self.latest = max(self.latest, generation)

    def _change_page(self, change: Callable[[], object]) -> None:
        try:
            change()
        except OSError:
            # A page of our own is unsure until it begins, which is all that the change could say.
            self.page.make_private()

    def _name(self, kind: str, key: str) -> str:
        return f"{self._prefix}{kind}:{digest(key)}"

    async def _run(self, outage: Outage, script: Script, keys: list[str], arguments: list[Any]) -> Any:
        return await self._ask(outage, lambda link: link.run(script, keys, [link.run_id, *arguments]))

    # -- entries

    async def read(self, key: str, have: Found | None = None) -> Found | None:
        self._wanted_until = time.monotonic() + BEAT_FOR
        self._wanted.set()
        known = have.version if have is not None else 0
        row = await self._run(self._reading, READ, [*self._state, self._name("e", key)], [known])
        if not row:
            return None
        now = self._at(row[0], row[1])
        if len(row) == 2:
            return None
        _, _, floor, version, generation, data, *marks = row
        if have is not None and int(version) == have.version:
            entry = have.entry
        else:
            try:
                entry = decode_entry(data)
            except (CorruptEntryError, TypeError):
                return None
        filled, all_marks = int(generation), [_mark(mark) for mark in marks]
        state = judge(entry, filled, all_marks, int(floor), time.time())
        if state == "gone":
            return None
        late = outdated(filled, all_marks)
        return Found(entry, state, Fence(now.era, filled), int(version), now.generation, late)

    async def now(self) -> Fence:
        era, seq = await self._run(self._writing, NOW, self._state, [])
        return self._at(era, seq)

    def _at(self, era: bytes, seq: bytes) -> Fence:
        """A moment of the store, from which a page that was just made can start."""
        now = Fence(era.decode(), int(seq))
        self.latest = max(self.latest, now.generation)
        if self.since == UNSURE:
            self.since = now.generation
        if self.page.words[FLOOR] == UNSURE:
            self._change_page(lambda: self.page.begin(now.generation))
        return now

    async def put(self, key: str, entry: Entry, fence: Fence, token: int) -> Found | None:
        if fence == NOWHERE:
            return None
        data = encode_entry(entry)
        version = draw_number()
        life = min(redis_scripts.MONTH, entry.created + entry.expire - time.time())
        if life <= 0:
            return None
        fresh = entry.created + min(entry.revalidate, entry.expire)
        arguments: list[str | bytes | int | float] = [
            token, fence.era, fence.generation, version, "".join(map(digest, entry.tags)), data, int(life) + 1,
            "" if fresh == NEVER else repr(fresh),
        ]  # fmt: skip
        keys = [*self._state, self._name("e", key), self._name("l", key)]
        seq = await self._run(self._writing, PUT, keys, arguments)
        return None if seq is None else Found(entry, "fresh", fence, version, int(seq))

    async def delete(self, key: str) -> None:
        await self._ask(self._writing, lambda link: link.call("DEL", self._name("e", key)))

    async def revalidate(self, tags: Sequence[str], stale_for: float) -> None:
        numbers = [zlib.crc32(tag.encode("utf-8", "surrogatepass")) for tag in tags]
        arguments: list[Any] = [
            self._channel, min(stale_for, 1e15), repr(time.time()), self._max_tags, " ".join(map(str, numbers)),
            *map(digest, tags),
        ]  # fmt: skip
        seq = await self._run(self._writing, REVALIDATE, self._state, arguments)
        if self.latest < int(seq):  # else it was pushed to this worker before the answer, and the page is raised
            self._raise([HEADER + number % SLOTS for number in numbers], int(seq))

    # -- leases

    async def claim(self, key: str, wait: bool) -> Claim:
        token = draw_number()
        keys = [*self._state, *(self._name(kind, key) for kind in "elp")]
        arguments = [f"{token} {self._owner}", int(wait), int(self.lease_time * 1000), repr(time.time())]
        answer, *rest = await self._run(self._writing, CLAIM, keys, arguments)
        if answer == b"granted":
            return Claim(token, self._at(*rest))
        if answer == b"found":
            found = await self.read(key)
            return Claim(found=found if found is not None and found.state == "fresh" else None)
        other, _, owner = rest[0].decode("utf-8", "replace").partition(" ")
        if other.isdecimal() and is_gone(owner.replace("_", " ")):
            await self.release(key, int(other), 0.0)
        return Claim()

    async def renew(self, key: str, token: int) -> bool:
        try:
            milliseconds = int(self.lease_time * 1000)
            return bool(await self._run(self._writing, RENEW, [self._name("l", key)], [token, milliseconds]))
        except StoreUnavailable:
            return True  # not known to be lost: tried again

    async def release(self, key: str, token: int, postpone: float) -> None:
        keys = [self._name("l", key), self._name("p", key)]
        with contextlib.suppress(StoreUnavailable):
            await self._run(self._writing, RELEASE, keys, [token, int(postpone * 1000)])


def _mark(text: bytes | None) -> Mark:
    if text is None:
        return UNMARKED
    expired, staled, deadline = text.split()
    return Mark(int(expired), int(staled), float(deadline))
