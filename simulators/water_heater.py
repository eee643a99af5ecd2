"""Storage water heaters: a tank of two layers, an element beneath, a thermostat, a cut-out, and the household's taps.

Ranges are engineering judgement around energy labels of 50 to 120 litres: 0.8 to 1.6 kWh lost in a day that nobody uses
hot water, 1.5 to 3 kW, 55 to 65 °C, 2 to 9 kWh a day for one to four people.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulators.climate import YEAR_D
from simulators.days import DAY_S, Bools, Day, Floats, Habits, outside
from simulators.model import Everyday, Fault, Span, Unit
from simulators.paged import Page, Paged
from simulators.sensors import Reads
from simulators.strain import level_of

WATER_J_L_K = 4180.0
LOWER = 0.65  # share of the tank beneath the layers' border; the element and the thermostat's pocket are there
ELEMENT_J_K = 1_600.0  # sheath and filling
TRIPS_C, RESETS_C = 165.0, 95.0  # of the element's sheath: its thermal fuse of bimetal ...
LIMIT_C, LIMITED_C = 86.0, 74.0  # ... which also feels the water
WARM_C = 38.0  # what comes out of a tap or shower, mixed
TRAY_L = 1.5  # until the sensor beneath the tank is wet
DRIES_L_S = 1.5 / 86_400
LATE_D = 35.0


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A fault at full strength."""

    film: float = 1.0  # times what keeps the element's heat from the water
    element: float = 1.0  # of its power
    stuck_on: bool = False
    loss: float = 1.0  # of the tank's heat
    leak_l_min: float = 0.0
    read_k: float = 0.0  # what the thermostat's sensor says too much
    sensor_stuck: bool = False
    step: bool = False


FAULTS: dict[str, Effect] = {
    "element_scaled": Effect(film=7.0),
    "element_failed": Effect(element=0.0, step=True),
    "thermostat_stuck_on": Effect(stuck_on=True, step=True),
    "insulation_wet": Effect(loss=3.0),
    "water_leak": Effect(leak_l_min=0.25),
    "sensor_drift": Effect(read_k=-8.0),
    "sensor_stuck": Effect(sensor_stuck=True, step=True),
}


@dataclass(frozen=True, kw_only=True)
class HeaterKind(Everyday):
    volume_l: Span = (50.0, 120.0)
    power_w: Span = (1500.0, 3000.0)
    set_c: Span = (55.0, 65.0)
    differential_k: Span = (4.0, 8.0)
    lost_kwh_day: Span = (0.8, 1.6)  # at 65 °C in a room of 20 °C
    film_k: Span = (20.0, 35.0)  # sheath above water
    people: Span = (1.0, 4.0)


WATER_HEATER = HeaterKind(ambient_c=(16.0, 25.0), swing_k=(0.6, 2.0), set_changes=1 / 60)


class Taps(NamedTuple):
    """(steps, units) of a day."""

    warm_l_min: Floats  # mixed water
    inlet_c: Floats


def taps_of(units: Sequence[Unit], people: Floats, day_no: int, step_s: int) -> Taps:
    """Showers in the morning and the evening, later on weekends, and short taps all day long."""
    steps = DAY_S // step_s
    warm, inlet_c = np.zeros((steps, len(units))), np.empty((steps, len(units)))
    for i, unit in enumerate(units):
        rng = np.random.default_rng((unit.seed, 7, day_no))
        weekend = (day_no + 3) % 7 >= 5
        persons = people[i] * unit.habit.household
        showers = rng.poisson(0.75 * persons)
        morning = rng.random(showers) < 0.6
        wakes_h = 8.6 if weekend else 6.9
        hours = np.where(morning, rng.normal(wakes_h, 0.7, showers), rng.normal(20.6, 1.0, showers))
        _open(warm[:, i], rng, hours - unit.utc_offset_h, rng.uniform(4, 9, showers), (5.5, 8.5), step_s)
        short = rng.poisson(3 + 4 * persons)
        hours = rng.choice((7.3, 12.4, 18.8, 15.0), short) + rng.normal(0, 1.4, short)
        _open(warm[:, i], rng, hours - unit.utc_offset_h, rng.uniform(0.3, 1.5, short), (2.0, 5.0), step_s)
        inlet_c[:, i] = inlet_of(unit, day_no)
    return Taps(np.minimum(warm, 12.0), inlet_c)


def _open(
    warm: Floats, rng: np.random.Generator, hours: Floats, minutes: Floats, flow_l_min: Span, step_s: int
) -> None:
    step_min = step_s / 60
    for hour, length_min in zip(hours.tolist(), minutes.tolist(), strict=True):
        at, flow, whole = int(hour % 24 * 60 / step_min), rng.uniform(*flow_l_min), int(length_min / step_min)
        warm[at : at + whole] += flow
        warm[at + whole : at + whole + 1] += flow * (length_min / step_min - whole)


def inlet_of(unit: Unit, day_no: int) -> float:
    """What the mains bring: it follows the ground, weeks behind the air and by less."""
    own_k = float(np.random.default_rng((unit.seed, 8)).normal(0, 1.0))
    if unit.place is None:
        return 14.0 + own_k
    season = float(np.cos((day_no - unit.place.warmest_d - LATE_D) / YEAR_D * 2 * np.pi))
    return max(4.0, unit.place.mean_c + 2.0 + 0.6 * unit.place.yearly_k * season + own_k)


class Strain(NamedTuple):
    """(steps, units)."""

    level: Floats
    film: Floats
    element: Floats
    stuck_on: Bools
    loss: Floats
    leak_l_min: Floats
    read_k: Floats
    sensor_stuck: Bools


def strain_of(faults: Sequence[Fault | None], day_no: int, step_s: int) -> Strain:
    effects = [Effect() if fault is None else FAULTS[fault.name] for fault in faults]
    level = level_of(faults, [effect.step for effect in effects], day_no, step_s)

    def full(of: Callable[[Effect], float]) -> Floats:
        return np.array([float(of(effect)) for effect in effects])

    return Strain(
        level=level,
        film=1 + level * (full(lambda e: e.film) - 1),
        element=1 + level * (full(lambda e: e.element) - 1),
        stuck_on=(level > 0) & (full(lambda e: e.stuck_on) > 0),
        loss=1 + level * (full(lambda e: e.loss) - 1),
        leak_l_min=level * full(lambda e: e.leak_l_min),
        read_k=level * full(lambda e: e.read_k),
        sensor_stuck=(level > 0) & (full(lambda e: e.sensor_stuck) > 0),
    )


class Tank:
    """The units' constants, each (units,)."""

    def __init__(self, kind: HeaterKind, units: Sequence[Unit]) -> None:
        rngs = [np.random.default_rng((unit.seed, 0)) for unit in units]

        def draw(span: Span) -> Floats:
            return np.array([rng.uniform(*span) for rng in rngs])

        self.volume_l, self.power_w = np.round(draw(kind.volume_l), -1), np.round(draw(kind.power_w), -2)
        self.set_c, self.differential_k = np.round(draw(kind.set_c)), draw(kind.differential_k)
        self.lower_l, self.upper_l = LOWER * self.volume_l, (1 - LOWER) * self.volume_l
        self.loss_w_k = draw(kind.lost_kwh_day) * 1000 / 24 / 45
        self.film_w_k = self.power_w / draw(kind.film_k)
        self.people = np.round(draw(kind.people))
        ambient_c, swing_k = draw(kind.ambient_c), draw(kind.swing_k)
        self.habits = [Habits(*row, 0.0) for row in zip(ambient_c, swing_k, strict=True)]


class Hidden(NamedTuple):
    """What no sensor says, each (units, n)."""

    fault_level: Floats
    shortfall: Floats
    lower_c: Floats
    upper_c: Floats
    hot_l_min: Floats  # of what the taps take
    into_water_w: Floats
    lost_w: Floats


class WaterHeaters(Paged):
    kind = WATER_HEATER
    reads = (
        *(Reads("temperature", 0.1), Reads("temperature", 0.1), Reads("temperature", 0.5), Reads("temperature", 0.1)),
        *(Reads("temperature", 0.06), Reads("share", 0.01), Reads("share", 0.01, 2), Reads("share", 0.01, 2)),
        *(Reads("state"), Reads("state"), Reads("state"), Reads("state")),
    )

    def __init__(
        self, units: Sequence[Unit], start_ms: int, step_s: int = 60, faults: Sequence[Fault | None] = ()
    ) -> None:
        super().__init__(units, start_ms, step_s, faults)
        n_units, tank = len(units), Tank(self.kind, units)
        self.tank = tank
        self.lower_c, self.upper_c, self.element_c = tank.set_c.copy(), tank.set_c.copy(), tank.set_c.copy()
        self.calling, self.cut = np.zeros(n_units, np.bool_), np.zeros(n_units, np.bool_)
        self.tray_l = np.zeros(n_units)

    @property
    def set_c(self) -> Floats:
        return self.tank.set_c

    def page(self, day_no: int) -> Page:
        day, happened = outside([self.kind] * len(self.units), self.tank.habits, self.units, day_no, self.step_s)
        taps = taps_of(self.units, self.tank.people, day_no, self.step_s)
        strain = strain_of(self.faults, day_no, self.step_s)
        shape = (len(day.ambient_c), len(self.units))
        signals, hidden = np.empty((len(self.reads), *shape)), np.empty((len(Hidden._fields), *shape))
        signals[3], signals[4], signals[11] = taps.inlet_c, day.ambient_c, self.tank.set_c + day.set_shift_k
        hidden[0] = strain.level
        for i in range(shape[0]):
            self._step(i, day, taps, strain, signals[:, i], hidden[:, i])
        signals[1] = np.where(strain.sensor_stuck, self.tank.set_c, hidden[2] + strain.read_k)
        return Page(list(signals.transpose(0, 2, 1)), day.silent.T, Hidden(*hidden.transpose(0, 2, 1)), happened)

    def _step(self, i: int, day: Day, taps: Taps, strain: Strain, signals: Floats, hidden: Floats) -> None:
        tank, dt_s = self.tank, self.step_s
        power_w = self._element(strain.element[i] * day.mains[i], tank.film_w_k / strain.film[i])
        hot_l_min = self._flow(taps.warm_l_min[i], taps.inlet_c[i], strain.leak_l_min[i])
        lost_w = self._lose(day.ambient_c[i], tank.loss_w_k * strain.loss[i])
        self.lower_c = self.lower_c + self.heat_j / (WATER_J_L_K * tank.lower_l)
        mixed_c = LOWER * self.lower_c + (1 - LOWER) * self.upper_c
        turns = self.lower_c > self.upper_c  # warm water rises
        self.lower_c = np.where(turns, mixed_c, self.lower_c)
        self.upper_c = np.where(turns, mixed_c, self.upper_c)
        read_c = np.where(strain.sensor_stuck[i], tank.set_c, self.lower_c + strain.read_k[i])
        self._switch(read_c, signals[11], strain.stuck_on[i])
        self.tray_l = np.maximum(self.tray_l + (strain.leak_l_min[i] / 60 - DRIES_L_S) * dt_s, 0.0)
        wet = self.tray_l > TRAY_L
        signals[0], signals[2], signals[5] = self.upper_c, self.element_c, power_w
        signals[6], signals[7] = hot_l_min + strain.leak_l_min[i], hot_l_min
        signals[8], signals[9], signals[10] = self.calling, self.cut, wet
        too_cold, too_hot = (tank.set_c - self.upper_c) / 25, (self.upper_c - 65) / 10
        hidden[1] = np.maximum(np.maximum(too_cold, too_hot), wet)
        hidden[2], hidden[3], hidden[4] = self.lower_c, self.upper_c, hot_l_min
        hidden[5], hidden[6] = self.heat_j / dt_s, lost_w

    def _element(self, works: Floats, film_w_k: Floats) -> Floats:
        """It warms towards where the water takes what it makes; the water gets what it does not keep."""
        power_w: Floats = self.tank.power_w * works * (self.calling & ~self.cut)
        settles_c = self.lower_c + power_w / film_w_k
        was_c = self.element_c
        self.element_c = settles_c + (was_c - settles_c) * np.exp(-self.step_s * film_w_k / ELEMENT_J_K)
        self.heat_j = power_w * self.step_s - ELEMENT_J_K * (self.element_c - was_c)
        return power_w

    def _flow(self, warm_l_min: Floats, inlet_c: Floats, leak_l_min: Floats) -> Floats:
        """Cold water comes in beneath; a leak is beneath, too."""
        tank, minutes = self.tank, self.step_s / 60
        share = np.minimum(np.maximum((WARM_C - inlet_c) / np.maximum(self.upper_c - inlet_c, 1.0), 0.0), 1.0)
        hot_l_min: Floats = warm_l_min * share
        lower_k = (hot_l_min + leak_l_min) * minutes / tank.lower_l * (inlet_c - self.lower_c)
        upper_k = hot_l_min * minutes / tank.upper_l * (self.lower_c - self.upper_c)
        self.lower_c, self.upper_c = self.lower_c + lower_k, self.upper_c + upper_k
        return hot_l_min

    def _lose(self, ambient_c: Floats, loss_w_k: Floats) -> Floats:
        lower_w = LOWER * loss_w_k * (self.lower_c - ambient_c)
        upper_w = (1 - LOWER) * loss_w_k * (self.upper_c - ambient_c)
        self.lower_c = self.lower_c - lower_w * self.step_s / (WATER_J_L_K * self.tank.lower_l)
        self.upper_c = self.upper_c - upper_w * self.step_s / (WATER_J_L_K * self.tank.upper_l)
        lost_w: Floats = lower_w + upper_w
        return lost_w

    def _switch(self, read_c: Floats, set_c: Floats, stuck_on: Bools) -> None:
        below = np.where(self.calling, set_c, set_c - self.tank.differential_k)
        self.calling = (read_c < below) | stuck_on
        opens = (self.element_c > TRIPS_C) | (self.lower_c > LIMIT_C)
        closes = (self.element_c < RESETS_C) & (self.lower_c < LIMITED_C)
        self.cut = opens | (self.cut & ~closes)
