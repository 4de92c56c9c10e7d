"""How much memory this process holds."""

from __future__ import annotations

import sys
from pathlib import Path


def resident_bytes() -> int:
    """The resident set in bytes; where the system does not tell the present one, the largest so far; 0 on Windows."""
    if sys.platform == "linux":
        import os

        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
