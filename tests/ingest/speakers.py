"""Devices that speak the formats, so that one contract holds for all: the same readings said in each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.model import Reason
from ingest.payloads import cbor, json_text, msgpack
from ingest.payloads.model import Pairs
from ingest.payloads.records import NUMBERS
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
        return f"log.7.demo.d1.up.telemetry{'.' if self.level else ''}{self.level}"

    @property
    def level(self) -> str:
        return "" if self.name in {"json", "flat"} else self.name

    @property
    def is_senml(self) -> bool:
        return self.name.startswith("senml")

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


SPEAKERS = [
    Speaker("json", _nested(json_text.say), Reason.NOT_JSON),
    Speaker("flat", _flat, Reason.NOT_JSON),
    Speaker("cbor", _nested(cbor.say), Reason.NOT_CBOR),
    Speaker("msgpack", _nested(msgpack.say), Reason.NOT_MSGPACK),
    Speaker("senml-json", _senml(json_text.say, numbered=False), Reason.NOT_JSON),
    Speaker("senml-cbor", _senml(cbor.say, numbered=True), Reason.NOT_CBOR),
]
BY_NAME = {speaker.name: speaker for speaker in SPEAKERS}


def heard(speaker: Speaker, *payloads: bytes) -> tuple[list[tuple[Reason, str | None]], Any]:
    """What is refused and, if anything is, the batch that is kept."""
    result = decoded(*payloads, source=speaker.source)
    return [(each.reason, each.metric) for each in result.refusals], result.batches[0] if result.batches else None


GOOD: Said = (NOW_MS, [("cabinet_temp_c", 4.25), ("power_w", 85)])
