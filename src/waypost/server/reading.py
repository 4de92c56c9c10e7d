"""MessageReader: bytes of a connection → one request at a time.

The parser is never fed a byte past the message it is in. So what a client sends ahead waits unparsed, a refused
message ends everything behind it, and memory is bounded by one read of the socket. Heads are judged in head.py.
Knows no transport and no handler: the subclass has them.
Source: RFC 9112.
"""

from __future__ import annotations

from httptools import HttpParserError, HttpRequestParser

from waypost.http.body import RequestBody
from waypost.http.request import arrived, incoming
from waypost.server.arrivals import Answers
from waypost.server.head import CHUNKED as CHUNKED_LENGTH
from waypost.server.head import PLAIN, RawHeaders, Refused, judge, repeated
from waypost.server.intake import (
    BODY,
    CHUNKED,
    DEAF,
    DISCARD,
    END,
    HEAD,
    HELD_BACKLOG,
    HELD_BODY,
    WAIT,
    Intake,
)

_BLOCK_KEPT = 2048  # bytes of a head whose header block is remembered for the next request
_BODILESS = ("GET", "HEAD")


class MessageReader(Intake):
    """Reads the messages of one connection, one at a time."""

    __slots__ = ()

    # -- bytes in

    def data_received(self, data: bytes) -> None:
        """Take bytes, at once or at the end of the loop's turn; the transport calls it."""
        if self._arrived:
            self.take_arrived()
        if self.service.arrivals.add(self):
            self._arrived = data
        else:
            self._take(data)

    def take_arrived(self, answers: Answers | None = None) -> None:
        """Take what the transport has given, if anything waits: before all that came after it."""
        data, self._arrived = self._arrived, b""
        if data:
            self._take(data, answers)

    def _take(self, data: bytes, answers: Answers | None = None) -> None:
        """Take bytes as they came."""
        block = self._block
        if block and self.phase == HEAD and self._partial is None:
            if self._block_rest:
                known = self._again_with_body(data)
            elif data.endswith(block):
                known = self._again(data[: -len(block)])
            else:
                known = False
            if known:
                self._consuming = True
                self._answers = answers  # the message is whole, and nothing is behind it: its answer may wait
                self.begin()
                self._answers = None
                self._consuming = False
                return
        if self._backlog:
            self._backlog += data
        else:
            self._consume(data)

    # A client mostly repeats its headers on a kept connection: a block of them that was parsed and judged once need not
    # be again. What differs, the request line and the Content-Length, is read anew.

    def _again(self, line: bytes) -> bool:
        """Take a request without a body, whose header block is that of the one before."""
        found = repeated(line, self.service.limits.max_url_size)
        if found is None:
            return False
        self.wishes = PLAIN
        self.phase = WAIT
        method, path, query = found
        self.request = arrived(method, path, query, self._block_headers, None, self.connection)
        return True

    def _again_with_body(self, data: bytes) -> bool:
        """Take a whole message whose header block is that of the one before, but for the Content-Length."""
        start = data.find(b"\r\n")
        block, rest = self._block, self._block_rest
        end = start + len(block)
        place = data.find(b"\r\n", end)
        digits = data[end:place]
        if not (
            data.startswith(block, start) and digits.isdigit() and len(digits) < 16 and data.startswith(rest, place)
        ):
            return False
        end = place + len(rest)
        found = repeated(data[:start], self.service.limits.max_url_size) if len(data) - end == int(digits) else None
        if found is None or found[0] in _BODILESS or len(data) == end:
            return False
        headers = self._block_headers
        if headers[self._block_place][1] != digits:
            headers = self._block_headers = headers.copy()
            headers[self._block_place] = (b"content-length", digits)
        self.wishes = PLAIN
        self.phase = WAIT
        self.body = body = RequestBody.of(data[end:])
        method, path, query = found
        self.request = arrived(method, path, query, headers, body, self.connection)
        return True

    def _remember(self, block: bytes, headers: RawHeaders, length: int) -> None:
        """Keep a header block that was judged good, in two parts around the value of its Content-Length."""
        self._block, self._block_rest, self._block_headers = block, b"", headers
        if not length:
            return
        for place, (name, value) in enumerate(headers):
            if name.lower() == b"content-length":
                before, mark, after = block.partition(b"\r\n" + name + b": " + value + b"\r\n")
                if mark:
                    self._block = before + b"\r\n" + name + b": "
                    self._block_rest = b"\r\n" + after
                    self._block_place = place
                    return
        self._block = b""  # it is spelt in a way of its own

    def _consume(self, data: bytes) -> None:
        at, size = 0, len(data)
        self._consuming = True
        try:
            while at < size:
                phase = self.phase
                if phase == HEAD:
                    at = self._read_head(data, at, size)
                elif phase == BODY:
                    at = self._read_body(data, at, size)
                elif phase == CHUNKED:
                    at = self._read_chunks(data, at, size)
                elif phase == WAIT:
                    self._backlog = data[at:]
                    self.hold(HELD_BACKLOG, True)
                    break
                else:
                    break
                if self.pending and self.phase == WAIT:
                    if self.wishes.upgrade and at < size:
                        # Whoever takes the connection over gets what came behind the request.
                        self._backlog = data[at:]
                        self.hold(HELD_BACKLOG, True)
                        at = size
                    self.begin()
            # A handler starts when all that came with its head is there: a small body is then read without waiting.
            # One that gets no body (GET) starts when the end of what the client sent is known to be in order.
            if self.pending and self.body is not None:
                self.begin()
        except HttpParserError:
            self.refuse(400, "Invalid request")
        except Refused as refused:
            self.refuse(refused.status, refused.message)
        finally:
            self._consuming = False
        if self._backlog and self.phase == HEAD:
            self.next_message()

    def next_message(self) -> None:
        """The answer is out: take what the client sent ahead, or wait for more."""
        if self.phase == WAIT:
            self.phase = HEAD
        if self._held:
            self.hold(HELD_BODY, False)
            if not self._consuming:
                data, self._backlog = self._backlog, b""
                self.hold(HELD_BACKLOG, False)
                if data:
                    self._consume(data)

    def forget_input(self) -> bytes:
        """Give up what waits unparsed, for whoever takes the connection over."""
        data = self._backlog + self._arrived
        self._backlog = self._arrived = b""
        self.phase = DEAF
        self._held = 0
        return data

    # -- heads

    def _read_head(self, data: bytes, at: int, size: int) -> int:
        partial = self._partial
        if partial is None:
            while data.startswith(b"\r\n", at):  # RFC 9112 section 2.2: empty lines before a request are ignored
                at += 2
                if at == size:
                    return size
            found = data.find(END, at)
            if found < 0:
                if data.endswith(b"\r") and at == size - 1:  # half of an empty line
                    self._partial = bytearray(b"\r")
                    return size
                self._partial = bytearray()
                if self.request is None:
                    self.deadline = min(self.deadline, self.service.clock.after(self.service.limits.header_timeout))
                return self._read_part(data, at)
            end = found + 4
            head = data if end - at == size else data[at:end]
            self._feed(head)
        elif partial == b"\r":
            if data[at] != 10:
                raise Refused("Invalid request line")
            self._partial = None
            return at + 1
        else:
            # The empty line may lie across two segments.
            kept = bytes(partial[-3:])
            found = (kept + data[at:]).find(END)
            if found < 0:
                return self._read_part(data, at)
            end = at + found + 4 - len(kept)
            self._feed(data[at:end])
            partial += data[at:end]
            head = bytes(partial)
            self._partial = None
        self._accept(head)
        return end

    def _read_part(self, data: bytes, at: int) -> int:
        """Take the start or the middle of a head; it is parsed at once, so that garbage is refused at once."""
        limits = self.service.limits
        partial = self._partial
        assert partial is not None
        piece = data[at:]
        partial += piece
        self._feed(piece)
        if self._completed:  # llhttp ends a message of HTTP/0.9 with its first line
            raise Refused("Invalid request line")
        line = partial.find(b"\r\n")
        if line < 0:
            if len(partial) > limits.max_url_size + 64:
                raise Refused("Request target too long", status=414)
        elif len(partial) - line > limits.max_header_size or len(self._headers) > limits.max_headers:
            raise Refused("Request headers too large", status=431)
        return len(data)

    def _accept(self, head: bytes) -> None:
        """Judge a complete head and make its request."""
        service = self.service
        parser = self._parser
        assert parser is not None
        url, raw = self._url, self._headers
        self._url = b""
        self._headers = []
        self._completed = False
        if len(head) > service.head_allowance or len(raw) > service.limits.max_headers:
            self._check_size(head, url, raw)
        method, target, raw, host, length, wishes = judge(
            head, parser.get_method(), url, raw, self._host, self.connection.scheme
        )
        self._host = host
        self.wishes = wishes
        if wishes is PLAIN and length >= 0 and len(head) <= _BLOCK_KEPT:
            self._remember(head[head.find(b"\r\n") :], raw, length)
        body = None
        if length == 0:
            self.phase = WAIT
        else:
            body = self._expect_body(method, length)
        if self._switched:
            self._restart(length)
        self.body = body
        self.request = incoming(method, target, raw, body, self.connection)
        self.pending = True

    def _check_size(self, head: bytes, url: bytes, raw: RawHeaders) -> None:
        limits = self.service.limits
        if len(url) > limits.max_url_size:
            raise Refused("Request target too long", status=414)
        if len(raw) > limits.max_headers or len(head) - head.find(b"\r\n") > limits.max_header_size:
            raise Refused("Request headers too large", status=431)

    def _expect_body(self, method: str, length: int) -> RequestBody | None:
        expects = self.wishes.expects
        self._discarded = self._overhead = self._chunks = 0
        if length == CHUNKED_LENGTH:
            self.phase = CHUNKED
        else:
            self.phase = BODY
            self._remaining = length
        if method in _BODILESS:
            if length > DISCARD:
                raise Refused(f"A {method} request has no body", status=413)
            self.deadline = self.service.clock.after(self.service.limits.body_timeout)
            if expects:
                self.expecting = True
                self.send_continue()
            return None
        body = RequestBody(None if length == CHUNKED_LENGTH else length, self._hold_body)
        if expects:
            self.expecting = True
            body.on_demand = self.send_continue
        return body

    def _restart(self, length: int) -> None:
        """A fresh parser behind a message with an Upgrade that was not taken.

        llhttp takes what follows such a head for another protocol; it is HTTP/1.1, and its body comes first.
        """
        self._switched = False
        self._parser = parser = HttpRequestParser(self)
        if length:
            framed = b"transfer-encoding: chunked" if length == CHUNKED_LENGTH else b"content-length: %d" % length
            parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framed)
            self._url = b""
            self._headers = []
            self._completed = False
