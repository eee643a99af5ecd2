"""What presence adds to a message: `python benchmarks/presence.py`. CPU time, rhythms included, in batches of 4,000 as
in a flood and of 4 as on a quiet line."""

import time

import numpy as np

from ingest.presence.heard import Heard
from ingest.presence.model import Spoken
from ingest.presence.rhythm import Pace
from ingest.presence.silence import judge, settled

START_MS = 1_764_000_000_000
MESSAGES = 2_000_000


def cost_us(devices: int, batch: int, rate: int) -> float:
    """At `rate` messages a second over all devices, CPU a message."""
    heard, n = Heard(Pace()), MESSAGES // batch
    number = np.arange(MESSAGES) % devices + 1
    received_ms = START_MS + np.arange(MESSAGES) * 1000 // rate
    begin = time.process_time()
    for i in range(n):
        rows = slice(i * batch, (i + 1) * batch)
        heard.hear(Spoken(device_no=number[rows], received_ms=received_ms[rows]))
    heard.settle()
    return (time.process_time() - begin) / MESSAGES * 1e6


def main() -> None:
    for devices, batch, rate in ((1_000, 4_000, 60_000), (100_000, 4_000, 60_000), (1_000, 4, 1_000)):
        print(f"{devices:7} devices, batches of {batch:4}: {cost_us(devices, batch, rate):.3f} us a message")
    heard = Heard(Pace())
    heard.hear(Spoken(device_no=np.arange(1, 100_001), received_ms=np.full(100_000, START_MS)))
    heard.settle()
    settled(heard, judge(heard, START_MS, START_MS))
    begin = time.process_time()
    judge(heard, START_MS + 60_000, START_MS)
    print(f"a look at 100,000 devices: {(time.process_time() - begin) * 1000:.1f} ms")


if __name__ == "__main__":
    main()
