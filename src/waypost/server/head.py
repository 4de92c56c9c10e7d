"""What a request head must be before anything runs: method, target, version, Host, framing.

llhttp has already refused bare LF, folded lines, illegal bytes and contradicting lengths; what it lets through is
decided here. Pure functions over bytes: no sockets, no state of a connection but the Host it last found valid.
Source: RFC 9112 sections 2 to 6, RFC 9110 section 7.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from waypost.errors import HTTPError
from waypost.http.host import valid_host

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]
Line: TypeAlias = tuple[str, str, str]  # method, path, query

CHUNKED = -1  # as a body length

_HOST, _LENGTH, _CODING, _EXPECT, _CONNECTION, _UPGRADE = 1, 2, 3, 4, 5, 6
_MARKED = {
    b"host": _HOST,
    b"content-length": _LENGTH,
    b"transfer-encoding": _CODING,
    b"expect": _EXPECT,
    b"connection": _CONNECTION,
    b"upgrade": _UPGRADE,
}
_NAMES_KEPT = 1024
_names: dict[bytes, int] = {}
_LINE_KEPT = 128  # bytes
_lines: dict[bytes, Line] = {}  # request lines that were good; bounded, since clients choose them

# llhttp also knows the methods of RTSP and ICE and CONNECT; these are the ones that name a resource of ours.
_METHODS = (
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "ACL", "BIND", "CHECKOUT", "COPY",
    "LINK", "LOCK", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL", "MOVE", "NOTIFY", "PROPFIND", "PROPPATCH",
    "PURGE", "REBIND", "REPORT", "SEARCH", "SUBSCRIBE", "UNBIND", "UNLINK", "UNLOCK", "UNSUBSCRIBE",
)  # fmt: skip
_METHOD_SET = frozenset(_METHODS)
_METHOD_NAMES = {name.encode(): (name, len(name) + 1) for name in _METHODS}


class Refused(HTTPError):
    """A head that is answered with `status` and closes its connection."""


class Wishes(NamedTuple):
    """What a client asks of its connection.

    keep_alive: to go on with it. http10: the version is 1.0. expects: it waits for 100 (Continue) with its body.
    upgrade: the Upgrade header if `Connection: upgrade` was sent too, else b"".
    """

    keep_alive: bool = True
    http10: bool = False
    expects: bool = False
    upgrade: bytes = b""


PLAIN = Wishes()
_PLAIN_10 = Wishes(keep_alive=False, http10=True)

Head: TypeAlias = tuple[str, str, RawHeaders, bytes, int, Wishes]


def judge(head: bytes, verb: bytes, url: bytes, headers: RawHeaders, known_host: bytes, scheme: str) -> Head:
    """Accept or refuse a head that llhttp has parsed.

    head: its bytes as sent, through the empty line. known_host: a Host value found valid before on this connection.
    Gives (method, target, headers, host, length, wishes): target in origin form ("/a?b"), or "*" for OPTIONS; length
    of the body, CHUNKED, or 0.
    Raises Refused.
    """
    known = _METHOD_NAMES.get(verb)
    if known is None:
        raise Refused("Method not supported", status=501)
    method, offset = known
    # One comparison at the exact place: the version, and that single spaces stand around the target.
    offset += len(url) + 1
    http10 = not head.startswith(b"HTTP/1.1\r\n", offset)
    if http10 and not head.startswith(b"HTTP/1.0\r\n", offset):
        raise _bad_line(head)
    host: bytes | None = None
    marked: list[tuple[int, bytes]] | None = None
    for name, value in headers:
        if value and value[-1] <= 32:  # llhttp leaves blanks behind a value
            return judge(head, verb, url, _trimmed(headers), known_host, scheme)
        mark = _names.get(name)
        if mark is None:
            mark = _learn(name)
        if mark:
            if mark == _HOST:
                if host is not None:
                    raise Refused("Two Host headers")
                host = value
            elif marked is None:
                marked = [(mark, value)]
            else:
                marked.append((mark, value))
    if host is None:
        if not http10:
            raise Refused("No Host header")
        host = b""
    elif not host or (host != known_host and not valid_host(host)):
        # An empty one equals what a connection begins with, and what an HTTP/1.0 request without Host leaves behind.
        raise Refused("Invalid Host header")
    target = url.decode("ascii") if url[:1] == b"/" else _other_form(method, url, host, scheme)
    if "#" in target:
        raise Refused("The request target has a fragment")
    plain = _PLAIN_10 if http10 else PLAIN
    if marked is None:
        return method, target, headers, host, 0, plain
    length, wishes = _marked(marked, plain)
    return method, target, headers, host, length, wishes


def repeated(line: bytes, max_url_size: int) -> Line | None:
    """Method, path and query of a request line before a header block that was judged before on the same connection.

    A client mostly repeats its header block on a kept connection: what was parsed and judged once need not be again.
    line: without its line end. None when it is anything but ordinary.
    """
    seen = _lines.get(line)
    if seen is not None and len(line) <= max_url_size:
        return seen
    try:
        method, target, version = line.decode("ascii").split(" ")
    except ValueError:
        return None
    # Printable ASCII is what llhttp takes; it keeps a line end out too, so the block is where it seems to be.
    if (
        version != "HTTP/1.1"
        or method not in _METHOD_SET
        or target[0:1] != "/"
        or "#" in target
        or not target.isprintable()
        or len(target) > max_url_size
    ):
        return None
    path, _, query = target.partition("?")
    found = (method, path, query)
    if len(line) <= _LINE_KEPT:
        if len(_lines) >= _NAMES_KEPT:
            _lines.clear()
        _lines[line] = found
    return found


def asks_for_websocket(upgrade: bytes) -> bool:
    """Whether the Upgrade header names it, perhaps among others."""
    return any(name.strip() == b"websocket" for name in upgrade.lower().split(b","))


def _trimmed(headers: RawHeaders) -> RawHeaders:
    return [(name, value.strip(b" \t")) for name, value in headers]


def _learn(name: bytes) -> int:
    """Remember a spelling of a header name. Bounded, since clients choose the spellings."""
    mark = _MARKED.get(name.lower(), 0)
    if len(_names) >= _NAMES_KEPT:
        _names.clear()
    _names[name] = mark
    return mark


def _marked(marked: list[tuple[int, bytes]], plain: Wishes) -> tuple[int, Wishes]:
    """What Content-Length, Transfer-Encoding, Expect, Connection and Upgrade say together."""
    length = 0
    upgrade = b""
    options: set[bytes] | None = None
    expects = False
    for mark, value in marked:
        if mark == _LENGTH:
            length = int(value)  # llhttp took digits only, and one such header
        elif mark == _CODING:
            # The parser would take `gzip, chunked` and hand over gzip bytes as the body.
            if value.lower() != b"chunked":
                raise Refused("Transfer-Encoding not supported", status=501)
            if plain.http10:
                raise Refused("Transfer-Encoding in HTTP/1.0")
            length = CHUNKED
        elif mark == _CONNECTION:
            if options is None:
                options = set()
            options.update(option.strip() for option in value.lower().split(b","))
        elif mark == _UPGRADE:
            upgrade = value
        elif not plain.http10:
            if value.lower() != b"100-continue":
                raise Refused("Expectation not supported", status=417)
            expects = True
    if options is None and not expects:
        return length, plain
    options = options or set()
    keep_alive = b"close" not in options and (not plain.http10 or b"keep-alive" in options)
    if plain.http10 or b"upgrade" not in options:
        upgrade = b""
    wishes = Wishes(keep_alive, plain.http10, expects and length != 0, upgrade)
    return length, plain if wishes == plain else wishes


def _other_form(method: str, url: bytes, host: bytes, scheme: str) -> str:
    """Origin form of a target that is not in it (RFC 9112 section 3.2)."""
    if url == b"*":
        if method != "OPTIONS":
            raise Refused("Invalid request target")
        return "*"
    start, mark, rest = url.partition(b"://")
    authority, slash, path = rest.partition(b"/")
    if not mark or start.lower() not in (b"http", b"https") or b"?" in authority:
        raise Refused("Invalid request target")
    # Elsewhere an absolute target overrules Host: whoever checked Host before us would have checked another site.
    if not authority or authority.lower() != host.lower():
        raise Refused("The request target and Host differ")
    return (slash + path or b"/").decode("ascii")


def _bad_line(head: bytes) -> Refused:
    line = head.partition(b"\r\n")[0]
    if line.endswith(b"HTTP/2.0"):
        return Refused("HTTP version not supported", status=505)
    return Refused("Invalid request line")
