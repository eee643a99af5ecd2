"""Cooling appliances: a few thermal masses around a refrigeration circuit and its control, all units stepped together.

Each unit is an air mass behind a thermostat with a differential, a slower mass of goods (or walls) in it, an evaporator
that frosts, a condenser, and the circuit between them. A fault changes what a unit is made of (`FAULTS`), never the
curve. What happens to a unit on a day (weather, doors, warm goods, power cuts, noise) depends on its seed and the day
alone, so that a run in pieces equals one run.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.body import Body
from simulators.cabinet import Cabinet, minutes, one_by_one
from simulators.days import DAY_S, Bools, Day, Floats, Happened, outside
from simulators.everyday import Incident
from simulators.kinds import KINDS, Kind
from simulators.model import Fault, Unit
from simulators.moisture import Vapour
from simulators.run import Run
from simulators.sensors import PRESSURES, SOURCES, Ints, Noise, Noises, sensed, tenths
from simulators.strain import Strains

WARM_UP_S = 12 * 3600  # before the first reading, so that no unit starts at its set point
SPIKE_K = 25.0  # in a minute: no air does that
PAGE = 120  # steps
NO_PAGE = (-1, -1)
PA_A_BAR = 100_000.0
LOST_K = 3.0  # beyond what its thermostat allows: it no longer does what it is for


class Truth(NamedTuple):
    """What no sensor says, each (units, n)."""

    running: Bools
    defrosting: Bools
    pan_full: Bools
    air_c: Floats
    fault_level: Floats  # 0 healthy .. 1 the fault's full strength
    shortfall: Floats  # from 1 on it does not do what it is for
    evaporating_c: Floats
    condensing_c: Floats
    superheat_k: Floats
    subcooled_k: Floats
    frost: Floats  # times what a healthy unit has before a defrost


class Plant:
    """Units, each of its kind, that live on: `advance` continues where the last call stopped, without a jump.

    Kinds may be mixed, which costs little: a step takes as long for 60 units as for one.
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        units: Sequence[Unit],
        start_ms: int,
        step_s: int = 60,
        faults: Sequence[Fault | None] = (),
    ) -> None:
        if DAY_S % step_s or step_s > 60:
            raise ValueError(f"a step of {step_s} s does not divide a day, or is longer than 60 s")
        self.kinds, self.units, self.step_s = kinds, list(units), step_s
        self.faults = list(faults) or [None] * len(units)
        self._body = Body(kinds, units)
        self._at = -(-start_ms // (step_s * 1000)) - WARM_UP_S // step_s  # steps since 1970
        self._day_no, self._stale, self._page = -1, False, NO_PAGE
        self._happened: Happened = []
        self._state = Cabinet(self._body, step_s)
        self._vapour = Vapour(kinds, self._body.set_c, self._body.ambient_c, step_s)
        self._widths, self._tenths = [len(kind.sensors) for kind in kinds], tenths(units)
        gauges = [sum(source in PRESSURES for source, _ in kind.sensors) for kind in kinds]
        self._gauged = np.flatnonzero(gauges)
        self._noises, self._strains = Noises(self._widths, step_s, gauges), Strains(self.faults, step_s)
        self._happened = self.advance(WARM_UP_S // step_s).happened

    @property
    def set_c(self) -> Floats:
        return self._body.set_c

    def obey(self, unit: int, incident: Incident) -> None:
        known = self.units[unit]
        self.units[unit] = replace(known, incidents=(*known.incidents, incident))
        self._stale = True

    @property
    def next_ms(self) -> int:
        """The time of the next reading."""
        return self._at * self.step_s * 1000

    def advance(self, steps: int) -> Run:
        begin, shape = self._at, (steps, len(self.units))
        truth, hidden = np.empty((3, *shape), dtype=np.bool_), np.empty((5, *shape))
        level, air_c = np.empty(shape), np.empty(shape)
        values = np.empty((len(self.units), steps, max(self._widths)))
        jitter_ms = np.empty((len(self.units), steps), np.int64)
        while (done := self._at - begin) < steps:
            row, length = self._turn_page()
            count = min(steps - done, length - row)
            rows, here = slice(row, row + count), slice(done, done + count)
            signals, gauss = np.empty((len(SOURCES), count, shape[1])), self._noise.gauss[:, rows].copy()
            self._run(rows, signals, truth[:, here], hidden[:, here])
            air_c[here], level[here] = signals[0], self._strain.level[rows]
            self._sense(rows, signals, truth[:, here])
            jitter_ms[:, here] = self._noise.jitter_ms[:, rows]
            gauss[self._day.silent[rows].T] = np.nan
            gauss[..., 0] *= ~self._strain.sensor_stuck[rows].T
            self._loosen(rows, signals[0], gauss[..., 0], jitter_ms[:, here])
            values[:, here] = sensed(self.kinds, signals, gauss, self._tenths)
            self._at += count
        ts_ms = np.arange(begin, begin + steps, dtype=np.int64) * (self.step_s * 1000)
        shortfall = np.abs(air_c - self._body.set_c) / (self._body.differential_k / 2 + LOST_K)
        unseen = (each.T for each in (*truth, air_c, level, shortfall, *hidden))
        happened, self._happened = self._happened, []
        return Run(ts_ms, values, Truth(*unseen), jitter_ms, happened)

    def _run(self, rows: slice, signals: Floats, truth: Bools, hidden: Floats) -> None:
        state = self._state
        hidden[3] = self._minutes.pipes.subcooled_k[rows]
        for i, minute in enumerate(one_by_one(self._minutes, rows)):
            state.step(minute)
            signals[0, i], signals[1, i], signals[2, i] = state.air_c, state.coil_c, state.discharge_c
            signals[4, i], signals[6, i], signals[7, i] = state.draw, state.suction_c, state.condenser_c
            truth[0, i], truth[1, i], truth[2, i] = state.running, state.defrosting, state.pan_full
            flow = state.flow
            hidden[0, i], hidden[1, i] = flow.evaporating_c, state.condensing_c
            hidden[2, i], hidden[4, i] = flow.superheat_k, state.frost_j
        hidden[4] /= self._body.frost_j
        if len(self._gauged):
            self._gauge(signals, truth[0], hidden)

    def _gauge(self, signals: Floats, running: Bools, hidden: Floats) -> None:
        """What gauges on either side of the compressor say; at rest a valve keeps the sides apart."""
        at, bar = self._gauged, self._body.circuit.bar
        low_c = np.where(running[:, at], hidden[0][:, at], signals[1][:, at])
        signals[13][:, at], signals[14][:, at] = PA_A_BAR * bar(low_c, at), PA_A_BAR * bar(hidden[1][:, at], at)

    def _loosen(self, rows: slice, read_c: Floats, gauss: npt.NDArray[np.float32], jitter_ms: Ints) -> None:
        """A loose sensor says what cannot be, or nothing; by chance, which the uneven times lend."""
        chance, strain = (jitter_ms * 7919 % 1000) / 1000, self._strain
        gauss[chance < strain.gaps[rows].T] = np.nan
        spikes = (chance >= 1 - strain.spikes[rows].T).T
        read_c[spikes] += np.where(jitter_ms.T[spikes] % 2, SPIKE_K, -SPIKE_K)

    def _sense(self, rows: slice, signals: Floats, truth: Bools) -> None:
        """The signals that are no state of the cabinet; what the sensor of the air says of it, a stuck one what was
        wanted when it was made."""
        body, strain, day = self._body, self._strain, self._day
        air_c, coil_c = signals[0], signals[1]
        signals[3], signals[5] = day.ambient_c[rows], self._doors[rows]
        spins = strain.evaporator_fan[rows] * (truth[0] & (coil_c <= air_c + 1.0))
        signals[8] = self._vapour.percent(
            air_c=air_c,
            coil_c=coil_c,
            ambient_c=signals[3],
            damp=strain.damp[rows],
            doors=signals[5],
            blown=spins,
        )
        signals[9], signals[10], signals[11] = body.fan_rpm * spins, truth[1], body.set_c + day.set_shift_k[rows]
        signals[12] = truth[2]
        signals[0] = np.where(strain.sensor_stuck[rows], body.set_c, air_c + strain.read_k[rows])

    def _turn_page(self) -> tuple[int, int]:
        """The row of its page that the next step is on, and how many the page has: a part of a day, so that all that
        drives the steps is in memory for a part of a day only."""
        a_day = DAY_S // self.step_s
        day_no, row = divmod(self._at, a_day)
        if day_no != self._day_no or self._stale:
            self._turn_day(day_no)
        page = slice(row - row % PAGE, min(row - row % PAGE + PAGE, a_day))
        if self._page != (day_no, page.start):
            self._page = day_no, page.start
            self._day = Day._make(column[page] for column in self._whole_day)
            self._noise = Noise._make(column[:, page] for column in self._whole_noise)
            self._strain = self._strains.of(day_no, page)
            self._doors = np.maximum(self._day.door, self._strain.door)
            self._minutes = minutes(self._body, self._day, self._strain, self._doors)
        return row - page.start, page.stop - page.start

    def _turn_day(self, day_no: int) -> None:
        self._whole_day, happened = outside(self.kinds, self._body.habits, self.units, day_no, self.step_s)
        if day_no != self._day_no:
            self._whole_noise = self._noises.of(self.units, day_no)
            self._happened += happened
        self._day_no, self._stale, self._page = day_no, False, NO_PAGE


def simulate(
    class_id: str,
    units: Sequence[Unit] | Sequence[int],
    start_ms: int,
    end_ms: int,
    step_s: int = 60,
    fault: Fault | Sequence[Fault | None] | None = None,
) -> Run:
    """Readings in [start_ms, end_ms) of `units` (or of units with these seeds); one `fault` for all, or one a unit."""
    whole = [unit if isinstance(unit, Unit) else Unit(seed=unit) for unit in units]
    faults = [fault] * len(whole) if fault is None or isinstance(fault, Fault) else fault
    plant = Plant([KINDS[class_id]] * len(whole), whole, start_ms, step_s, faults)
    return plant.advance(max(0, -(-(end_ms - plant.next_ms) // (step_s * 1000))))
