"""What limits cost: `python benchmarks/admit.py`. CPU time of one thread, in decode and in judging, a message."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from devices import catalogue
from devices.model import Address
from ingest import topics
from ingest.allowance import Allowance, ask
from ingest.columns import Log
from ingest.decode import decode
from ingest.model import Message
from ingest.topics import Source

CATALOGUE = catalogue.load()
CLASS_ID = "cold_room"
START_MS = 1_764_000_000_000


def messages(count: int, devices: int, step_ms: float) -> tuple[list[Message], list[Source]]:
    names = CATALOGUE[CLASS_ID].metric_names
    sources = [
        topics.found(topics.read(f"log.7.demo.d{n}.up.telemetry"), Address(n, CLASS_ID), frozenset(CATALOGUE))
        for n in range(1, devices + 1)
    ]
    said, whose = [], []
    for i in range(count):
        at_ms = START_MS + int(i * step_ms)
        payload = orjson.dumps({"ts": at_ms, "m": dict.fromkeys(names, 4.0 + i % 7 / 8)})
        said.append(Message(i + 1, at_ms, "", payload))
        whose.append(sources[i % devices])
    return said, whose


def us_a_message(work: Callable[[], Any], count: int, rounds: int = 50) -> float:
    spent = []
    for _ in range(5):
        begin = time.process_time()
        for _ in range(rounds):
            work()
        spent.append((time.process_time() - begin) / rounds / count * 1e6)
    return float(np.median(spent))


def measure(name: str, count: int, devices: int, step_ms: float) -> None:
    said, whose = messages(count, devices, step_ms)
    decoded = decode(said, whose, CATALOGUE)
    (batch,) = decoded.batches
    size = np.array([len(message.payload) for message in said])
    log = Log(seq=batch.seq, received_ms=batch.received_ms, device_no=batch.device_no, size=size)

    def judge() -> None:
        held = Allowance(CATALOGUE)
        held.keep(held.judge(decoded.asked, decoded.received_ms)[1])

    us = {
        "decode": us_a_message(lambda: decode(said, whose, CATALOGUE), count),
        "of it ask": us_a_message(lambda: ask(batch, log, ()), count),
        "then judge": us_a_message(judge, count),
    }
    print(f"{name:48}", *(f"{what} {each:6.3f}" for what, each in us.items()), "us a message")


def main() -> None:
    measure("4,000 messages of 1,000 devices in 66 ms", 4000, 1000, 1 / 60)
    measure("4,000 messages of 4,000 devices in 66 ms", 4000, 4000, 1 / 60)
    measure("4,000 messages of one device in 67 min", 4000, 1, 1000)
    measure("20 messages of 20 devices", 20, 20, 1)
    measure("one message", 1, 1, 1)
    measure("4,000 messages of 100,000 devices", 4000, 100_000, 1 / 60)


if __name__ == "__main__":
    main()
