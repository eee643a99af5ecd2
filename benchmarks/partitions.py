"""What a reader costs NATS, of the whole log and of each partition: `python benchmarks/partitions.py`."""

import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from api.bench.processes import cpu_s
from api.engines import account as accounts
from api.engines.nats import Nats
from api.engines.nats_streams import ensure_stream, stream_state
from api.engines.ports import free_port
from ingest.adapter_log import LogReader

K = 8
SECONDS = 4.0


def read(url: str, subject: str | None) -> int:
    """How many messages there are."""
    count = 0
    with closing(LogReader(url, 0, subject)) as reader:
        head = reader.head.last_seq
        while reader.passed < head:
            messages = reader.fetch(1.5)
            count += len(messages)
            if messages and messages[-1].seq == head:
                break
    return count


def said(engine: Nats, name: str, subjects: list[str | None]) -> None:
    before, begun = cpu_s(engine.process.pid), time.monotonic()
    count = sum(read(engine.url, subject) for subject in subjects)
    spent_us = 1e6 * (cpu_s(engine.process.pid) - before) / count
    print(f"{name}: {count} messages, {time.monotonic() - begun:.1f} s, {spent_us:.1f} us of NATS' CPU each")


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="foremend-bench-", dir="/tmp"))
    accounts.prepare(folder, accounts.choose())
    engine = Nats(folder, port=free_port(), mqtt_port=free_port())
    try:
        engine.start()
        ensure_stream(engine.url, slots=K)
        load = ["--port", str(engine.mqtt_port), "--tenant", "demo", "--seconds", str(SECONDS), "--flat-out"]
        subprocess.run([sys.executable, "-m", "simulators.load", *load], check=True)  # noqa: S603
        print(f"the log has {stream_state(engine.url).messages} messages of 1,000 devices in {K} slots")
        for _ in range(3):
            said(engine, "the whole log", [None])
            said(engine, f"{K} partitions, one after the other", [f"log.{slot}.>" for slot in range(K)])
    finally:
        engine.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
