"""The demo's appliances: their plant, and their readings as they would send them."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import orjson

from devices.model import Catalogue
from simulators.model import KINDS, Fault, Unit
from simulators.run import Run
from simulators.thermal import Plant
from simulators.town import Household

MAX_READINGS = 400
MAX_BYTES = 65_536


Said = tuple[int, dict[str, float]]  # one reading of one device: ts_ms and what was measured


class Herd:
    def __init__(
        self,
        classes: Catalogue,
        households: Sequence[Household],
        seeds: Sequence[int],
        faults: Sequence[Fault | None],
        start_ms: int,
    ) -> None:
        self.households = households
        self._names = [classes[home.class_id].metric_names for home in households]
        began = datetime.fromtimestamp(start_ms / 1000, tz=UTC)
        units = [
            Unit(seed=seed, utc_offset_h=_offset_h(home.time_zone, began))
            for home, seed in zip(households, seeds, strict=True)
        ]
        self._plant = Plant([KINDS[home.class_id] for home in households], units, start_ms, faults=faults)
        # Each appliance has a second of the minute that is its own.
        self._phases_ms = [seed * 7919 % 59_000 for seed in seeds]

    def until(self, end_ms: int, known_ms: Sequence[int]) -> list[list[Said]]:
        """What each unit says in the minutes up to `end_ms` and after what is known of it, in its order; a minute
        without a word is left out."""
        steps = (end_ms - self._plant.next_ms) // 60_000 + 1
        run = self._plant.advance(max(0, steps))
        return [list(self._says(run, unit, after_ms)) for unit, after_ms in enumerate(known_ms)]

    def _says(self, run: Run, unit: int, after_ms: int) -> Iterator[Said]:
        ts_ms = run.ts_ms + run.jitter_ms[unit] + self._phases_ms[unit]
        names = self._names[unit]
        values = run.values[unit, :, : len(names)]
        gaps = np.isnan(values).sum(axis=1)
        picked = (gaps < len(names)) & (ts_ms > after_ms)
        whole = (gaps[picked] == 0).tolist()
        for at_ms, row, no_gap in zip(ts_ms[picked].tolist(), values[picked].tolist(), whole, strict=True):
            measured = dict(zip(names, row, strict=True))
            if not no_gap:
                measured = {name: value for name, value in measured.items() if not math.isnan(value)}
            yield at_ms, measured


def arrays(said: Sequence[Said]) -> Iterator[tuple[int, bytes]]:
    """Payloads of at most MAX_READINGS readings and MAX_BYTES, each with the number of its readings."""
    for at in range(0, len(said), MAX_READINGS):
        yield from _fitting(said[at : at + MAX_READINGS])


def _fitting(said: Sequence[Said]) -> Iterator[tuple[int, bytes]]:
    readings = [{"ts": ts_ms, "m": measured} for ts_ms, measured in said]
    payload = orjson.dumps(readings if len(readings) > 1 else readings[0])
    if len(payload) <= MAX_BYTES or len(said) == 1:
        yield len(said), payload
        return
    half = len(said) // 2
    yield from _fitting(said[:half])
    yield from _fitting(said[half:])


def _offset_h(time_zone: str, at: datetime) -> float:
    offset = at.astimezone(ZoneInfo(time_zone)).utcoffset()
    return offset.total_seconds() / 3600 if offset else 0.0
