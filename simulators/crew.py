"""Units as they speak: what is so in the plant, as sensors, firmware and clocks say it of whichever has the label."""

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from devices.model import Catalogue
from simulators.classes import plant
from simulators.clock import Ints
from simulators.days import DAY_S, Floats, Happened
from simulators.everyday import Incident
from simulators.incidents import FIRMWARE, SWITCHED_OFF, said_by_firmware
from simulators.mix import Made

ARRAY_MS = 400 * 60_000  # what one message holds ...
NEXT_ARRAY_MS = 50  # ... and the next one comes after so long


class Spoken(NamedTuple):
    """(units, n): `minute_ms` when it was due, `measured_ms` when it was measured, `ts_ms` what the unit's clock said
    then, `received_ms` when the log would have it; `values` (units, n, metrics), NaN where nothing was said."""

    minute_ms: Ints
    measured_ms: Ints
    ts_ms: Ints
    received_ms: Ints
    values: Floats
    truth: Any  # a run.Seen
    happened: Happened

    def of(self, units: slice) -> "Spoken":
        """What some of them said."""
        truth = self.truth._make(column[units] for column in self.truth)
        return Spoken._make((*(column[units] for column in self[:5]), truth, self.happened))


class Crew:
    def __init__(self, made: Sequence[Made], classes: Catalogue, start_ms: int) -> None:
        self.made = made
        self._heirs = [i for i, each in enumerate(made) if each.heir is not None]
        units = [*(each.unit for each in made), *(each.heir for each in made if each.heir is not None)]
        class_ids = [each.class_id for each in made]
        faults = [*(each.fault for each in made), *(None for _ in self._heirs)]
        self._plant = plant([*class_ids, *(class_ids[i] for i in self._heirs)], units, start_ms, faults=faults)
        self._names = [classes[each.class_id].metric_names for each in made]
        # Each appliance has a second of the minute that is its own.
        self._phase_ms = np.array([each.unit.seed * 7919 % 59_000 for each in made])
        self._resets: list[list[Incident]] = [[] for _ in made]
        cuts = [(i, incident) for i, each in enumerate(made) for incident in each.unit.incidents]
        self._known = self._reset(cuts)  # and not told yet
        self._told: deque[tuple[int, Incident]] = deque()  # from whoever does not live with it
        self._set_c: list[float] = self._plant.set_c.tolist()
        self._moved = [
            [(incident.at_ms, incident.size) for incident in each.unit.incidents if incident.name == "set_point"]
            for each in made
        ]

    @property
    def next_ms(self) -> int:
        return self._plant.next_ms

    def set_point_c(self, i: int, at_ms: int) -> float | None:
        """What a unit's thermostat is set to; None where it has none."""
        set_c = self._set_c[i] + sum(moved_k for since_ms, moved_k in self._moved[i] if since_ms <= at_ms)
        return None if math.isnan(set_c) else set_c

    def obey(self, i: int, set_point_c: float, at_ms: int) -> None:
        """From the next minute that it lives on a unit is set to this."""
        now_c = self.set_point_c(i, at_ms)
        if now_c is None:
            return
        self._moved[i].append((at_ms, set_point_c - now_c))
        moved = Incident(name="set_point", at_ms=at_ms, size=set_point_c - now_c)
        heirs = [place for place, heir in enumerate(self._heirs, len(self.made)) if heir == i]
        self._told.extend((place, moved) for place in (i, *heirs))

    def advance(self, steps: int) -> Spoken:
        while self._told:
            self._plant.obey(*self._told.popleft())
        n = len(self.made)
        run = self._plant.advance(steps)
        values, truth = run.values, run.truth
        for place, i in enumerate(self._heirs, n):
            since = int(np.searchsorted(run.ts_ms, self._plant.units[place].since_ms))
            for column in (values, *truth):
                column[i, since:] = column[place, since:]
        happened = [(i, incident) for i, incident in run.happened if i < n]
        happened += self._reset(happened) + self._known
        self._known = []
        minute_ms = run.ts_ms + self._phase_ms[:, None]
        measured_ms = minute_ms + run.jitter_ms[:n]
        ts_ms, received_ms = np.empty_like(measured_ms), measured_ms.copy()
        for i, each in enumerate(self.made):
            ts_ms[i] = each.clock.said_ms(measured_ms[i], (*each.unit.incidents, *self._resets[i]))
            _alter(each, self._names[i], measured_ms[i], values[i])
            _delay(each, measured_ms[i], received_ms[i])
        return Spoken(
            minute_ms, measured_ms, ts_ms, received_ms, values[:n], truth._make(each[:n] for each in truth), happened
        )

    def _reset(self, happened: Happened) -> Happened:
        """What power cuts do to clocks."""
        resets = []
        old_ms = self._plant.next_ms - 2 * DAY_S * 1000
        for i, incident in happened:
            reset = self.made[i].clock.after(incident) if incident.name in SWITCHED_OFF else None
            if reset is not None:
                still = [each for each in self._resets[i] if each.until_ms is None or each.until_ms > old_ms]
                self._resets[i] = [*still, reset]
                resets.append((i, reset))
        return resets


def _alter(each: Made, names: Sequence[str], measured_ms: Ints, values: Floats) -> None:
    """What its firmware makes of the values (n, metrics)."""
    for incident in each.unit.incidents:
        if incident.name in FIRMWARE:
            rows = _during(incident, measured_ms)
            column = names.index(incident.metric)
            values[rows, column] = said_by_firmware(incident, values[rows, column])


def _during(incident: Incident, at_ms: Ints) -> slice:
    """The rows of ascending times that it covers."""
    until = None if incident.until_ms is None else int(np.searchsorted(at_ms, incident.until_ms))
    return slice(int(np.searchsorted(at_ms, incident.at_ms)), until)


def _delay(each: Made, measured_ms: Ints, received_ms: Ints) -> None:
    """What was measured while a unit was offline comes when it is back, as arrays, the newest one first or last."""
    for incident in each.unit.incidents:
        if incident.name == "offline" and incident.until_ms is not None:
            rows = _during(incident, measured_ms)
            waited = measured_ms[rows]
            array = (incident.until_ms - waited if incident.size else waited - incident.at_ms) // ARRAY_MS
            received_ms[rows] = incident.until_ms + array * NEXT_ARRAY_MS
