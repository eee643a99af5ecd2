"""Devices that speak the formats, so that one contract holds for all: the same readings said in each."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.model import Reason
from ingest.payloads import cbor, json_text, msgpack, sparkplug
from ingest.payloads.formats import EDGE
from ingest.payloads.model import Pairs
from ingest.payloads.records import NUMBERS
from ingest.payloads.sparkplug import Metric, Payload
from ingest.topics import Source
from tests.ingest.builders import NOW_MS, a_source, decoded

Said = tuple[Any, Sequence[tuple[Any, Any]]]  # ts in ms, metrics as name and value, repeated where they are


@dataclass(frozen=True)
class Speaker:
    """`write` says readings as bytes; the values are documents, so that it can say what no honest encoder would."""

    name: str
    write: Callable[..., bytes]
    malformed: Reason

    @property
    def source(self) -> Source:
        return a_source(subject=self.subject)

    @property
    def subject(self) -> str:
        if self.name == EDGE.name:
            return "log.7.demo.edge1.up.sparkplug.plant.DBIRTH.d1"
        return f"log.7.demo.d1.up.telemetry{'.' if self.level else ''}{self.level}"

    @property
    def level(self) -> str:
        return "" if self.name in {"json", "flat"} else self.name

    @property
    def times_each_value(self) -> bool:
        """So that a bad time costs its values one by one."""
        return self.name.startswith("senml") or self.name == EDGE.name

    def __str__(self) -> str:
        return self.name


def _nested(say: Callable[[Any], bytes]) -> Callable[..., bytes]:
    def write(*readings: Said) -> bytes:
        entries = [Pairs([("ts", ts), ("m", Pairs(metrics))]) for ts, metrics in readings]
        return say(entries[0] if len(entries) == 1 else entries)

    return write


def _flat(*readings: Said) -> bytes:
    entries = [Pairs([("ts", ts), *metrics]) for ts, metrics in readings]
    return json_text.say(entries[0] if len(entries) == 1 else entries)


def _senml(say: Callable[[Any], bytes], *, numbered: bool) -> Callable[..., bytes]:
    def write(*readings: Said) -> bytes:
        return say([_record(ts, name, value) for ts, metrics in readings for name, value in metrics])

    def _record(ts: Any, name: Any, value: Any) -> Pairs:
        label = {str: "vs", bool: "vb"}.get(type(value), "v")
        fields = {"n": name, "t": ts / 1000 if type(ts) is int else ts, label: value}
        return Pairs((NUMBERS[key] if numbered else key, value) for key, value in fields.items())

    return write


def _sparkplug(*readings: Said) -> bytes:
    """A birth: its metrics have names and types."""
    metrics = [a_metric(name, value, ts) for ts, said in readings for name, value in said]
    return sparkplug.say(Payload(metrics, timestamp_ms=NOW_MS))


def a_metric(name: str | None, value: Any, ts_ms: int | None = None, **rest: Any) -> Metric:
    """A value in the type that it is of; whole numbers as Int64 or, where that is too small, UInt64."""
    if type(value) is list:
        said: tuple[int, int, int | bytes] = 16, sparkplug.DATASET, b""
    elif isinstance(value, Pairs):
        said = 19, sparkplug.TEMPLATE, b""
    elif type(value) is str:
        said = 12, sparkplug.STRING, value.encode("utf-8", "surrogateescape")
    elif type(value) is bool:
        said = 11, sparkplug.BOOLEAN, int(value)
    elif type(value) is float:
        said = 10, sparkplug.DOUBLE, struct.pack("<d", value)
    else:
        said = 4 if value < 2**63 else 8, sparkplug.LONG, value % 2**64
    datatype, field, raw = said
    return Metric(name=name, timestamp_ms=ts_ms, **{"datatype": datatype, "field": field, "value": raw, **rest})


SPEAKERS = [
    Speaker("json", _nested(json_text.say), Reason.NOT_JSON),
    Speaker("flat", _flat, Reason.NOT_JSON),
    Speaker("cbor", _nested(cbor.say), Reason.NOT_CBOR),
    Speaker("msgpack", _nested(msgpack.say), Reason.NOT_MSGPACK),
    Speaker("senml-json", _senml(json_text.say, numbered=False), Reason.NOT_JSON),
    Speaker("senml-cbor", _senml(cbor.say, numbered=True), Reason.NOT_CBOR),
    Speaker("sparkplug", _sparkplug, Reason.NOT_SPARKPLUG),
]
BY_NAME = {speaker.name: speaker for speaker in SPEAKERS}


def heard(speaker: Speaker, *payloads: bytes) -> tuple[list[tuple[Reason, str | None]], Any]:
    """What is refused and, if anything is, the batch that is kept."""
    result = decoded(*payloads, source=speaker.source)
    return [(each.reason, each.metric) for each in result.refusals], result.batches[0] if result.batches else None


GOOD: Said = (NOW_MS, [("cabinet_temp_c", 4.25), ("power_w", 85)])
