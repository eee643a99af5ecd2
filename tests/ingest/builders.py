"""Defaults, so that a test shows only what matters."""

import json
from typing import Any

from devices import catalogue
from devices.model import Address
from ingest import topics
from ingest.decode import Decoded, decode
from ingest.model import Message
from ingest.topics import Source

CATALOGUE = catalogue.load()
FRIDGE = CATALOGUE["refrigerator"]
NOW_MS = 1_764_000_000_000


def a_source(device_no: int = 1, class_id: str = "refrigerator", subject: str | None = None) -> Source:
    source = topics.read(subject or f"log.7.demo.d{device_no}.up.telemetry")
    return topics.found(source, Address(device_no, class_id), frozenset(CATALOGUE))


def a_message(payload: bytes | Any, *, seq: int = 1, received_ms: int = NOW_MS) -> Message:
    if not isinstance(payload, bytes):
        payload = json.dumps(payload).encode()
    return Message(seq, received_ms, "log.7.demo.d1.up.telemetry", payload)


def a_reading(ts_ms: int = NOW_MS, **metrics: Any) -> dict[str, Any]:
    return {"ts": ts_ms, "m": metrics or {"cabinet_temp_c": 4.0, "power_w": 85.0}}


def decoded(*payloads: bytes | Any, careful: bool = False, source: Source | None = None) -> Decoded:
    """The payloads as consecutive messages of one refrigerator."""
    messages = [a_message(payload, seq=seq) for seq, payload in enumerate(payloads, start=1)]
    return decode(messages, [source or a_source()] * len(messages), CATALOGUE, careful=careful)
