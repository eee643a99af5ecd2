"""Who is heard when, as values."""

from collections.abc import Iterable

import numpy as np

from ingest.presence.heard import Heard
from ingest.presence.model import Spoken, Word
from ingest.presence.rhythm import Pace

START_MS = 1_764_000_000_000
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


def heard(*batches: Spoken, pace: Pace | None = None) -> Heard:
    memory = Heard(pace or Pace())
    for each in batches:
        memory.hear(each)
    memory.settle()
    return memory


def a_batch(*said: tuple[int, int], words: Iterable[Word] = ()) -> Spoken:
    """(device_no, ms since START_MS) of each message; a word's own message is 0 where its broker speaks."""
    return Spoken(
        device_no=np.array([device_no for device_no, _ in said], np.int64),
        received_ms=np.array([START_MS + at_ms for _, at_ms in said], np.int64),
        words=tuple(words),
    )


def every(gap_ms: int, times: int, device_no: int = 1, begin_ms: int = 0) -> Spoken:
    return a_batch(*((device_no, begin_ms + i * gap_ms) for i in range(times)))


def patience_ms(memory: Heard, device_no: int = 1) -> int:
    return int(memory.patience_ms(np.array([device_no]))[0])
