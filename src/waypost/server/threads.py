"""The worker threads of a process, and its end when one of them does not end.

Python waits at its exit for every thread that is no daemon, however long that takes: one blocked call in a plain
handler, or in work for after(), would keep a stopped server for ever.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

logger = logging.getLogger("waypost.server")


class WorkerThreads(ThreadPoolExecutor):
    """The threads that plain handlers run in, as many as asyncio would have. Its shutdown waits for none of them."""

    def __init__(self) -> None:
        super().__init__(min(32, (os.cpu_count() or 1) + 4), thread_name_prefix="waypost")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=True)


def wait_for_threads(seconds: float) -> bool:
    """Wait for the threads of this process that are no daemons, `seconds` in all; whether they have ended."""
    deadline = time.monotonic() + seconds
    here = threading.current_thread()
    running = [thread for thread in threading.enumerate() if thread is not here and not thread.daemon]
    for thread in running:
        thread.join(max(0.0, deadline - time.monotonic()))
    left = [thread.name for thread in running if thread.is_alive()]
    if left:
        logger.warning("%d threads did not end in time and are left behind: %s", len(left), ", ".join(left[:10]))
    return not left


def leave(code: int) -> None:
    """End the process although threads run; what is registered with atexit is still called."""
    try:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(code)
