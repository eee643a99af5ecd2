"""The demo's appliances of one class: their plant, and their readings as they would send them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson

from devices.model import ApplianceClass
from simulators.model import KINDS, Fault, Unit
from simulators.thermal import Plant, Run
from simulators.town import Household

MAX_READINGS = 400
MAX_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Said:
    """One reading of one device, as JSON."""

    ts_ms: int
    json: bytes


class Herd:
    def __init__(
        self,
        appliance: ApplianceClass,
        households: Sequence[Household],
        seeds: Sequence[int],
        faults: Sequence[Fault | None],
        start_ms: int,
    ) -> None:
        self.households = households
        self._names = appliance.metric_names
        began = datetime.fromtimestamp(start_ms / 1000, tz=UTC)
        units = [
            Unit(seed=seed, utc_offset_h=_offset_h(household.time_zone, began))
            for household, seed in zip(households, seeds, strict=True)
        ]
        self._plant = Plant(KINDS[appliance.class_id], units, start_ms, faults=faults)
        # Each appliance has a second of the minute that is its own.
        self._phases_ms = [seed * 7919 % 59_000 for seed in seeds]

    @property
    def next_ms(self) -> int:
        return self._plant.next_ms

    def until(self, end_ms: int) -> list[list[Said]]:
        """What each unit says in the minutes up to `end_ms`, in its order; a minute without a word is left out."""
        steps = (end_ms - self._plant.next_ms) // 60_000 + 1
        run = self._plant.advance(max(0, steps))
        return [list(self._says(run, unit)) for unit in range(len(self.households))]

    def _says(self, run: Run, unit: int) -> Iterator[Said]:
        phase_ms = self._phases_ms[unit]
        for minute_ms, row in zip(run.ts_ms.tolist(), run.values[unit].tolist(), strict=True):
            measured = {name: value for name, value in zip(self._names, row, strict=True) if value == value}  # noqa: PLR0124 - NaN is not itself
            if measured:
                ts_ms = minute_ms + phase_ms
                yield Said(ts_ms, orjson.dumps({"ts": ts_ms, "m": measured}))


def arrays(said: Iterable[Said]) -> Iterator[tuple[int, bytes]]:
    """Payloads of at most MAX_READINGS readings and MAX_BYTES, each with the number of its readings."""
    block: list[bytes] = []
    size = 2
    for reading in said:
        if block and (len(block) == MAX_READINGS or size + len(reading.json) + 1 > MAX_BYTES):
            yield len(block), b"[" + b",".join(block) + b"]"
            block, size = [], 2
        block.append(reading.json)
        size += len(reading.json) + 1
    if block:
        yield len(block), b"[" + b",".join(block) + b"]" if len(block) > 1 else block[0]


def _offset_h(time_zone: str, at: datetime) -> float:
    offset = at.astimezone(ZoneInfo(time_zone)).utcoffset()
    return offset.total_seconds() / 3600 if offset else 0.0
