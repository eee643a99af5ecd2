"""Cooling appliances as a few thermal masses, all units of a class stepped together.

Each unit is an air mass behind a thermostat with a differential, a slower mass of goods (or walls) in it, an evaporator
coil and a condenser. A fault changes the physics (`FAULTS`), never the curve. What happens to a unit on a day (weather,
doors, warm goods, power cuts, noise) depends on its seed and the day alone, so that a run in pieces equals one run.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.body import Body
from simulators.days import DAY_S, Bools, Day, Floats, outside
from simulators.model import KINDS, Fault, Kind, Unit
from simulators.strain import Strain, strain_of

Ints = npt.NDArray[np.int64]

WARM_UP_S = 12 * 3600  # before the first reading, so that no unit starts at its set point
REST_S = 180.0  # a compressor waits for its pressures to equalise ...
TRIP_S = 900.0  # ... and its overload for its windings to cool
DRIP_S = 300.0  # after a defrost
DEFROST_LIMIT_S = 2_400.0
SOURCES = ("air", "coil", "discharge", "ambient", "draw", "door", "suction", "condenser")


class Truth(NamedTuple):
    """What no sensor says, each (units, n)."""

    running: Bools
    defrosting: Bools
    air_c: Floats
    fault_level: Floats  # 0 healthy .. 1 the fault's full strength


class Run(NamedTuple):
    """`ts_ms` (n,); `values` (units, n, metrics) in the class's order of metrics, NaN where nothing was said."""

    ts_ms: Ints
    values: Floats
    truth: Truth


class _Minute(NamedTuple):
    """All that drives one step, each (units,) (for a day: (steps, units)), worked out for a whole day at once."""

    starts_above_c: Floats
    stops_below_c: Floats
    longest_on_s: Floats
    mains: Bools
    walls_w: Floats  # heat coming in at an air temperature of 0 °C ...
    walls_w_k: Floats  # ... and how much less for each kelvin
    goods_w: Floats
    transfer_w: Floats
    cooling_w: Floats  # with the coil at 0 °C ...
    cooling_w_k: Floats  # ... and how much more for each kelvin
    condenser_k: Floats
    condenser_k_w: Floats
    discharge_k: Floats
    running: Floats
    running_k: Floats


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
        self.kinds, self.units, self.step_s = kinds, units, step_s
        self.faults = list(faults) or [None] * len(units)
        self._body = Body(kinds, units)
        self._at = -(-start_ms // (step_s * 1000)) - WARM_UP_S // step_s  # steps since 1970
        self._day_no = -1
        self._state = _State(self._body, step_s)
        self.advance(WARM_UP_S // step_s)

    @property
    def next_ms(self) -> int:
        """The time of the next reading."""
        return self._at * self.step_s * 1000

    def advance(self, steps: int) -> Run:
        begin, shape = self._at, (steps, len(self.units))
        signals = np.empty((8, *shape))
        truth = np.empty((2, *shape), dtype=np.bool_)
        noise, level = np.empty((*shape, 8)), np.empty(shape)
        while (done := self._at - begin) < steps:
            row = self._turn_page()
            count = min(steps - done, DAY_S // self.step_s - row)
            rows, here = slice(row, row + count), slice(done, done + count)
            self._run(rows, signals[:, here], truth[:, here])
            ambient_c = self._day.ambient_c[rows]
            signals[2, here] += ambient_c
            signals[3, here], signals[5, here] = ambient_c, self._day.door[rows]
            signals[6, here] = signals[1, here] + self._strain.superheat_k[rows]
            signals[7, here] += ambient_c
            noise[here] = np.where(self._day.silent[rows, :, None], np.nan, self._day.noise[rows])
            level[here] = self._strain.level[rows]
            self._at += count
        ts_ms = np.arange(begin, begin + steps, dtype=np.int64) * (self.step_s * 1000)
        return Run(ts_ms, _sensed(self.kinds, signals, noise), Truth(truth[0].T, truth[1].T, signals[0].T, level.T))

    def _run(self, rows: slice, signals: Floats, truth: Bools) -> None:
        state = self._state
        for i, drives in enumerate(zip(*(column[rows] for column in self._minutes), strict=True)):
            state.step(_Minute._make(drives))
            signals[0, i], signals[1, i], signals[2, i] = state.air_c, state.coil_c, state.discharge_k
            signals[4, i], signals[7, i] = state.draw, state.condenser_k
            truth[0, i], truth[1, i] = state.running, state.defrosting

    def _turn_page(self) -> int:
        """The row of the day that the next step is on."""
        day_no, row = divmod(self._at, DAY_S // self.step_s)
        if day_no != self._day_no:
            self._day_no = day_no
            self._day = outside(self.kinds, self._body.habits, self.units, day_no, self.step_s)
            self._strain = strain_of(self.faults, day_no, self.step_s)
            self._minutes = _minutes(self._body, self._day, self._strain)
        return row


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


class _State:
    """What a unit remembers from one step to the next, each (units,); `clock_s` counts since the state was made."""

    def __init__(self, body: Body, step_s: float) -> None:
        n_units = len(body.set_c)
        self.body, self.step_s, self.clock_s = body, step_s, 0.0
        self.air_c, self.goods_c, self.coil_c = body.set_c.copy(), body.set_c.copy(), body.set_c.copy()
        self.condenser_k, self.discharge_k, self.cooling_w = np.zeros(n_units), np.zeros(n_units), np.zeros(n_units)
        self.running, self.started = np.zeros(n_units, np.bool_), np.zeros(n_units, np.bool_)
        self.on_since_s, self.ready_s = np.zeros(n_units), np.zeros(n_units)
        self.defrosting, self.thaws = np.zeros(n_units, np.bool_), False
        self.frost_j = np.zeros(n_units)
        self.defrost_due_s = body.first_defrost * body.defrost_s
        self.next_defrost_s = float(self.defrost_due_s.min())
        self.draw = body.idle.copy()
        # kelvins that a watt moves each mass in a step
        self.air_k_w, self.goods_k_w, self.coil_k_w = step_s / body.air_j, step_s / body.goods_j, step_s / body.coil_j

    def step(self, minute: _Minute) -> None:
        self.clock_s += self.step_s
        if self.thaws or self.clock_s >= self.next_defrost_s:
            self._defrost(minute.mains)
        self._switch(minute)
        self._heat(minute)
        if self.thaws:
            self._melt()
        self._electric(minute)

    def _defrost(self, mains: Bools) -> None:
        begins = (self.clock_s >= self.defrost_due_s) & mains
        self.frost_j[begins] = self.body.frost_j[begins]
        self.defrost_due_s[begins] = self.clock_s + self.body.defrost_s[begins]
        last_s = self.clock_s - (self.defrost_due_s - self.body.defrost_s)
        ends = self.defrosting & ((self.coil_c > 8.0) | (last_s > DEFROST_LIMIT_S) | ~mains)
        self.ready_s[ends] = self.clock_s + DRIP_S
        self.defrosting = (self.defrosting | begins) & ~ends
        self.thaws = bool((self.defrosting | self._hot()).any())
        self.next_defrost_s = float(self.defrost_due_s.min())

    def _hot(self) -> Bools:
        """A coil that its heater made warmer than the air."""
        return self.coil_c > self.air_c + 1.0

    def _switch(self, minute: _Minute) -> None:
        was = self.running
        wants = self.air_c > np.where(was, minute.stops_below_c, minute.starts_above_c)
        wants &= minute.mains
        wants &= was | (self.ready_s <= self.clock_s)
        if self.thaws:
            wants &= ~self.defrosting
        trips = was & (self.clock_s - self.on_since_s >= minute.longest_on_s)
        self.running = wants & ~trips
        self.started = self.running & ~was
        self.on_since_s = np.where(was, self.on_since_s, self.clock_s)
        self.ready_s = np.where(was & ~self.running, self.clock_s + REST_S + (TRIP_S - REST_S) * trips, self.ready_s)

    def _heat(self, minute: _Minute) -> None:
        cooling_w = np.maximum(minute.cooling_w + minute.cooling_w_k * self.coil_c, 0.0)
        self.cooling_w = np.minimum(cooling_w, self.body.most_cooling_w) * self.running
        coil_w = minute.transfer_w * (self.air_c - self.coil_c)
        if self.thaws:
            coil_w = np.where(self.defrosting | self._hot(), 0.1 * coil_w, coil_w)  # the fan waits
        goods_w = self.body.goods_w * (self.goods_c - self.air_c)
        air_w = minute.walls_w - minute.walls_w_k * self.air_c + goods_w - coil_w
        self.air_c = self.air_c + self.air_k_w * air_w
        self.goods_c = self.goods_c + self.goods_k_w * (minute.goods_w - goods_w)
        self.coil_c = self.coil_c + self.coil_k_w * (coil_w - self.cooling_w)

    def _melt(self) -> None:
        heat_w = self.body.heat_w * self.defrosting
        self.air_c = self.air_c + self.air_k_w * 0.06 * heat_w
        self.coil_c = self.coil_c + self.coil_k_w * 0.94 * heat_w
        melted_j = np.clip(self.coil_c * self.body.coil_j, 0.0, self.frost_j) * self.defrosting
        self.frost_j -= melted_j
        self.coil_c -= melted_j / self.body.coil_j

    def _electric(self, minute: _Minute) -> None:
        target_k = minute.condenser_k * self.running + minute.condenser_k_w * self.cooling_w
        self.condenser_k = self.condenser_k + (target_k - self.condenser_k) * (self.step_s / 240)
        hot_k = (self.condenser_k + minute.discharge_k) * self.running
        self.discharge_k = self.discharge_k + (hot_k - self.discharge_k) * (self.step_s / 420)
        # A hotter condenser is harder to pump against; a warmer coil gives denser gas to pump.
        draw = minute.running + minute.running_k * (0.006 * self.condenser_k + 0.003 * self.coil_c)
        draw = np.where(self.started, self.body.starting, draw)
        idle = self.body.idle + self.body.heater * self.defrosting if self.thaws else self.body.idle
        self.draw = np.where(self.running, draw, idle) * minute.mains


def _sensed(kinds: Sequence[Kind], signals: Floats, noise: Floats) -> Floats:
    """What the sensors make of the signals: (units, n, metrics); NaN in the columns that a kind has not."""
    n_units, n_steps = len(kinds), signals.shape[1]
    values = np.full((n_units, n_steps, max(len(kind.sensors) for kind in kinds)), np.nan)
    for kind in {id(kind): kind for kind in kinds}.values():
        members = [i for i, other in enumerate(kinds) if other is kind]
        sources = dict(zip(SOURCES, signals[:, :, members], strict=True))
        # some air passes between the fins
        sources["supply"] = sources["air"] + 0.75 * (sources["coil"] - sources["air"])
        for column, sensor in enumerate(kind.sensors):
            values[members, :, column] = _said(kind, sensor, sources, noise[:, members, column]).T
    return values


def _said(kind: Kind, sensor: tuple[str, float], sources: dict[str, Floats], noise: Floats) -> Floats:
    source, sigma = sensor
    if source == "door":
        return np.where(np.isnan(noise), np.nan, sources["door"] > 0)
    if source == "draw":
        return np.maximum(np.round(sources["draw"] * (1 + sigma * noise), kind.draw_digits), 0.0)
    return np.round(sources[source] + sigma * noise, 1)


def _minutes(body: Body, day: Day, strain: Strain) -> _Minute:
    target_c, half_k = body.set_c + day.set_shift_k, body.differential_k / 2
    warmer_k = day.ambient_c - body.ambient_c
    walls_w_k = body.ua * (strain.leak_in + body.door * day.door)
    cooling_w = body.capacity_w * strain.capacity
    running = body.running * strain.draw
    return _Minute(
        starts_above_c=np.where(strain.stuck_on, -np.inf, target_c + half_k),
        stops_below_c=np.where(strain.stuck_on, -np.inf, target_c - half_k),
        longest_on_s=strain.longest_on_s,
        mains=day.mains,
        walls_w=walls_w_k * day.ambient_c + body.ua * body.gains_k,
        walls_w_k=walls_w_k,
        goods_w=body.ua * day.warm_k,
        transfer_w=body.transfer * strain.transfer,
        cooling_w=cooling_w * (1 - 0.025 * body.coil_c - 0.008 * warmer_k),
        cooling_w_k=cooling_w * 0.025,
        condenser_k=0.4 * body.condenser_k * strain.condenser,
        condenser_k_w=0.6 * body.condenser_k * strain.condenser / body.capacity_w,
        discharge_k=body.superheat_k + strain.discharge_k,
        running=running * (1 + 0.006 * (warmer_k - body.condenser_k) - 0.003 * body.coil_c),
        running_k=running,
    )
