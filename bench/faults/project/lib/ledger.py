"""What the handlers of this worker saw: counters that a script reads at /ledger."""

from collections import Counter

seen: Counter[str] = Counter()
