"""Whether the other side of a socket is still there, found out without reading from it.

While a connection is not read, the event loop reports neither the end of its stream nor a reset: those come behind
what waits unread. The kernel knows both, once they have come: the end of a client that had more to send than the
kernel takes comes when it gives up, minutes later.
"""

from __future__ import annotations

import select

PRESENT, ENDED, LOST = range(3)

# Linux's own, for TCP and Unix sockets. Elsewhere an end of the stream goes unseen, and at most a reset is found.
_END = getattr(select, "POLLRDHUP", 0)


def presence(descriptor: int) -> int:
    """LOST: the connection is broken. ENDED: the client will send no more, as one that left or that only ended its
    half; what it sent may still wait to be read. PRESENT: neither."""
    poll = select.poll()
    poll.register(descriptor, _END)
    for _, events in poll.poll(0):
        return LOST if events & (select.POLLERR | select.POLLHUP | select.POLLNVAL) else ENDED
    return PRESENT
