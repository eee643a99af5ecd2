"""How much of what is refused is stored, so that nobody fills the disk by sending rubbish all day.

The same thing, refused again on the same day for the same reason, adds no row. Each sender has only so much room a day,
and so have all strangers of a tenant together, who may call themselves anything. What finds no room is counted.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from ingest import topics
from ingest.model import Refusal

_DAY_MS = 86_400_000


@dataclass(frozen=True, kw_only=True)
class Room:
    """Of a day (UTC, the log's)."""

    rows: int
    payload_bytes: int


OF_A_SENDER = Room(rows=2_000, payload_bytes=1 << 20)  # whole days of a device that sends every minute, if it is small
OF_STRANGERS = Room(rows=50_000, payload_bytes=32 << 20)


class Place(NamedTuple):
    """Where something is counted: a sender's day, or with an empty `device_id` that of a tenant's strangers."""

    day: int  # since 1970-01-01
    tenant_id: str
    device_id: str

    @property
    def room(self) -> Room:
        return OF_A_SENDER if self.device_id else OF_STRANGERS


@dataclass(slots=True)
class Tally:
    refused: int = 0
    refused_metrics: int = 0
    rows: int = 0
    payload_bytes: int = 0


@dataclass(slots=True, kw_only=True)
class Said:
    """One thing that was refused, however often. `places`: where it needs room; the last one counts it in any case.
    `counted`: how many times it was a device that said it, not a replay."""

    key: bytes
    refusal: Refusal
    received_ms: int
    places: tuple[Place, ...]
    times: int = 0
    counted: int = 0
    last_seq: int = 0
    last_ms: int = 0


def fold(refusals: Iterable[Refusal], first_ms: Mapping[int, int], tenants: Collection[str]) -> list[Said]:
    """The refusals, each thing once, in log order. `first_ms`: by seq, of what is replayed; `tenants`: that exist."""
    said: dict[bytes, Said] = {}
    for refusal in refusals:
        received_ms = first_ms.get(refusal.seq, refusal.received_ms)
        key = _key(refusal, received_ms // _DAY_MS)
        if key not in said:
            places = _places(refusal, received_ms // _DAY_MS, tenants)
            said[key] = Said(key=key, refusal=refusal, received_ms=received_ms, places=places)
        entry = said[key]
        entry.times += 1
        entry.counted += refusal.seq not in first_ms
        entry.last_seq, entry.last_ms = refusal.seq, refusal.received_ms
    return list(said.values())


def settle(
    said: Iterable[Said], stored: Collection[bytes], used: Mapping[Place, Tally]
) -> tuple[list[Said], dict[Place, Tally]]:
    """What gets a row or has one already, and by how much the counts grow. `stored`: keys that have a row."""
    rows: list[Said] = []
    grown: dict[Place, Tally] = {}
    for each in said:
        size = len(each.refusal.payload)
        known = each.key in stored
        fits = not known and all(_fits(place, size, used, grown) for place in each.places)
        if known or fits:
            rows.append(each)
        # a stranger without room is counted with all others only: he could have a new name each time
        for place in each.places if known or fits else each.places[-1:]:
            tally = grown.setdefault(place, Tally())
            tally.rows += fits
            tally.payload_bytes += size if fits else 0
            tally.refused += each.counted if each.refusal.metric is None else 0
            tally.refused_metrics += each.counted if each.refusal.metric is not None else 0
    return rows, grown


def _fits(place: Place, size: int, used: Mapping[Place, Tally], grown: Mapping[Place, Tally]) -> bool:
    tallies = [counts[place] for counts in (used, grown) if place in counts]
    rows = sum(tally.rows for tally in tallies) + 1
    payload_bytes = sum(tally.payload_bytes for tally in tallies) + size
    return rows <= place.room.rows and payload_bytes <= place.room.payload_bytes


def _key(refusal: Refusal, day: int) -> bytes:
    said = (refusal.topic, str(day), refusal.reason, refusal.metric or "", str(refusal.ts_ms))
    return blake2b("\0".join(said).encode() + b"\0" + refusal.payload, digest_size=16).digest()


def _places(refusal: Refusal, day: int, tenants: Collection[str]) -> tuple[Place, ...]:
    device_id = topics.sender(refusal.topic)
    tenant_id = refusal.tenant_id if refusal.tenant_id in tenants else None
    own = Place(day, tenant_id or "", device_id)
    if refusal.device_no is not None:
        return (own,)
    together = Place(day, tenant_id or "", "")
    return (own, together) if device_id else (together,)
