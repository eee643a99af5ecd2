"""What the detectors cost: `python benchmarks/observe.py`. CPU time of one thread, all rules of refrigerators."""

import time

import numpy as np

from detectors.engine import Engine
from devices import catalogue
from ingest.model import Batch

CATALOGUE = catalogue.load()
CLASS_ID = "refrigerator"
START_MS = 1_732_233_600_000
MINUTE_MS = 60_000


def readings(devices: int, first: int, count: int, step_ms: int, seq: int, *, arrays: bool) -> Batch:
    """`count` readings of each device, one message a device (`arrays`) or one message a reading."""
    appliance = CATALOGUE[CLASS_ID]
    tick = np.arange(first, first + count)
    device = np.arange(1, devices + 1)
    device_no = np.repeat(device, count) if arrays else np.tile(device, count)
    at = np.tile(tick, devices) if arrays else np.repeat(tick, devices)
    n = len(at)
    values = np.random.default_rng(seq).normal(4.0, 0.3, (n, len(appliance.metrics)))
    minute = at * step_ms // MINUTE_MS
    values[:, appliance.metric_names.index("power_w")] = np.where((minute + device_no) % 40 < 15, 90.0, 2.0)
    return Batch(
        class_id=CLASS_ID,
        device_no=device_no,
        ts_ms=START_MS + at * step_ms,
        seq=seq + (device_no if arrays else np.arange(n)),
        received_ms=START_MS + at * step_ms,
        values=values,
        flags=np.zeros(n, np.int64),
        extra=[None] * n,
    )


def measure(name: str, batches: list[Batch], *, warm: int) -> None:
    engine = Engine(CATALOGUE)
    engine.fold(batches[:warm])
    begin = time.process_time()
    for batch in batches[warm:]:
        engine.keep(engine.observe([batch]))
    spent_s = time.process_time() - begin
    n = sum(len(batch) for batch in batches[warm:])
    print(f"{name:62} {n:9,} readings {spent_s:7.2f} s {1e6 * spent_s / n:6.2f} us a reading")


def main() -> None:
    for step_ms in (1_000, MINUTE_MS):
        live = [readings(1000, k * 5, 5, step_ms, k * 5000, arrays=False) for k in range(60)]
        measure(f"live: 5,000 messages of 1,000 devices, every {step_ms // 1000} s", live, warm=2)
    for devices in (4, 20, 60):
        arrays = [readings(devices, k * 400, 400, MINUTE_MS, k * devices, arrays=True) for k in range(50)]
        measure(f"history: arrays of 400 of {devices} devices, every 60 s, 14 days", arrays, warm=0)
    print("remembered:", Engine(CATALOGUE).bytes_per_device(CLASS_ID), "bytes a refrigerator")


if __name__ == "__main__":
    main()
