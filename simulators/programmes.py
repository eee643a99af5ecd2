"""Washing machines and dishwashers from day to day: who washes what and when, and what their sensors say of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulators.days import DAY_S, Bools, Day, Floats, Habits, Happened, outside
from simulators.model import Everyday, Fault, Span, Unit
from simulators.paged import Page, Paged
from simulators.sensors import Reads
from simulators.strain import level_of
from simulators.tub import CHANNELS, STOPPED, SUMMARIES, Ints, Load, Machine, Phase, Strain, Tub, live
from simulators.water_heater import inlet_of

LONGEST_MIN = 420  # of a programme, whatever is broken
APART_MIN = 15
BLOCK_D = 4  # days whose programmes are worked out together: a step takes as long for a hundred as for ten
COLD_K = 10.0  # colder than chosen: it did not wash
COOLS_S = 5_400.0
STANDBY_W: Span = (0.3, 1.5)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A fault at full strength: as in `tub.Strain`."""

    heater: float = 1.0
    inlet: float = 1.0
    pump: float = 1.0
    pump_w: float = 1.0
    bearing: float = 1.0
    unbalance: float = 1.0
    spray: float = 1.0
    leak_l_min: float = 0.0
    brushes: float = 0.0
    level: float = 1.0
    step: bool = False


@dataclass(frozen=True, kw_only=True)
class TubKind(Everyday):
    """Spans that a class's units and programmes are drawn from."""

    faults: Mapping[str, Effect]
    programmes: tuple[tuple[float, tuple[tuple[Phase, float], ...]], ...]  # how often, and what
    metrics: tuple[tuple[str, Reads], ...]  # a channel of the tub, or "door", and how it is said
    a_week: Span
    hours: tuple[tuple[float, float], ...]  # when it is switched on, and give or take how much
    weekend_hours: tuple[tuple[float, float], ...]
    heater_w: Span
    mains_l_min: Span
    pump_l_min: Span
    pump_w: Span
    motor_a: Span
    spin_a: Span = (0.0, 0.0)
    wash_rpm: Span
    loss_w_k: Span
    spray_pa: Span = (0.0, 0.0)
    bearing_m_s2: Span = (0.0, 0.0)
    heat_j_k: Span  # of what is put in, and the tub
    unbalance_kg: float = 0.0  # as a median; half as much or twice as much is usual


class Start(NamedTuple):
    """A programme on a day."""

    unit: int
    minute: int  # since 1970
    programme: int
    share: float  # of what fits in
    weight: float  # off the middle
    pressure: float  # of the mains, against the usual
    dice: float


class Hidden(NamedTuple):
    """What no sensor says, each (units, n)."""

    fault_level: Floats
    shortfall: Floats
    level_l: Floats


class Tubs(Paged):
    def __init__(
        self,
        kind: TubKind,
        units: Sequence[Unit],
        start_ms: int,
        step_s: int = 60,
        faults: Sequence[Fault | None] = (),
    ) -> None:
        if step_s != 60:
            raise ValueError("a programme is said minute by minute")
        self.kind, self.reads = kind, tuple(reads for _, reads in kind.metrics)
        super().__init__(units, start_ms, step_s, faults)
        rngs = [np.random.default_rng((unit.seed, 0)) for unit in units]

        def draw(span: Span) -> Floats:
            return np.array([rng.uniform(*span) for rng in rngs])

        self.machine = Machine(*(draw(getattr(kind, name)) for name in Machine._fields))
        self.standby_w, self.a_week = draw(STANDBY_W), draw(kind.a_week)
        ambient_c, swing_k, doors = draw(kind.ambient_c), draw(kind.swing_k), self.a_week / 3.5
        self.habits = [Habits(*row) for row in zip(ambient_c, swing_k, doors, strict=True)]
        weights = np.array([weight for weight, _ in kind.programmes])
        self.odds = weights / weights.sum()
        longest = max(len(phases) for _, phases in kind.programmes) + 2
        self.ops = np.full((len(kind.programmes), longest), int(Phase.OVER), np.int64)
        self.amounts = np.zeros(self.ops.shape)
        for i, (_, phases) in enumerate(kind.programmes):
            self.ops[i, : len(phases)] = [phase for phase, _ in phases]
            self.amounts[i, : len(phases)] = [amount for _, amount in phases]
        n_units = len(units)
        self.said = np.full(
            (len(CHANNELS) + 1, n_units, DAY_S // step_s + LONGEST_MIN), np.nan
        )  # and into the next day
        self.last = np.full((len(CHANNELS), n_units), np.nan)  # of SUMMARIES
        self.warm_k, self.short = np.zeros(n_units), np.zeros(n_units)
        self.tripped, self.wet = np.zeros(n_units, np.bool_), np.zeros(n_units, np.bool_)
        self.free = np.zeros(n_units, np.int64)  # from that minute since 1970 on
        self.ambient_c, self.block, self.coming = ambient_c, -1, list[tuple[Start, Floats]]()

    def page(self, day_no: int) -> Page:
        day, happened = outside([self.kind] * len(self.units), self.habits, self.units, day_no, self.step_s)
        steps = DAY_S // self.step_s
        said = self.said
        said[:, :, :LONGEST_MIN] = said[:, :, steps:]
        said[:, :, LONGEST_MIN:] = np.nan
        if day_no // BLOCK_D != self.block:
            self.block = day_no // BLOCK_D
            self.coming = self._wash(range(self.block * BLOCK_D, (self.block + 1) * BLOCK_D))
        for start, minutes in self.coming:
            if start.minute // steps == day_no:
                row = start.minute % steps
                said[:, start.unit, row : row + minutes.shape[1]] = minutes
        level = level_of(self.faults, [self._effect(i).step for i in range(len(self.units))], day_no, self.step_s)
        return self._page(said[:, :, :steps], day, level, happened)

    def _effect(self, unit: int) -> Effect:
        fault = self.faults[unit]
        return Effect() if fault is None else self.kind.faults[fault.name]

    def _wash(self, days: range) -> list[tuple[Start, Floats]]:
        """Every programme that is switched on on these days, as its minutes: channels and, last, whether it failed.

        All are worked out together; those for which the machine was not free, or no longer starts, are left out."""
        starts = [
            start for day_no in days for i, unit in enumerate(self.units) for start in self._starts(i, unit, day_no)
        ]
        if not starts:
            return []
        starts.sort(key=lambda start: start.minute)
        tub = self._tub(starts)
        said = live(tub, LONGEST_MIN)
        lengths = (~np.isnan(said[:, 0])).sum(axis=1).tolist()
        washed = []
        for i, start in enumerate(starts):
            if start.minute < self.free[start.unit] or self.tripped[start.unit]:
                continue
            minutes = np.full((len(CHANNELS) + 1, lengths[i]), np.nan)
            minutes[:-1] = said[i, :, : lengths[i]]
            minutes[-1, -1] = tub.failed[i] or tub.cold[i] > COLD_K
            self.free[start.unit], self.tripped[start.unit] = start.minute + lengths[i] + APART_MIN, tub.tripped[i]
            washed.append((start, minutes))
        return washed

    def _tub(self, starts: list[Start]) -> Tub:
        rows, _, programme = np.array([start[:3] for start in starts]).T
        share, weight, pressure, dice = np.array([start[3:] for start in starts]).T
        machine = Machine(*(column[rows] for column in self.machine))
        low, high = self.kind.heat_j_k
        load = Load(
            ops=self.ops[programme],
            amounts=self.amounts[programme],
            heat_j_k=low + (high - low) * share,
            unbalance_kg=self.kind.unbalance_kg * weight,
            inlet_c=np.array([inlet_of(self.units[start.unit], start.minute // 1440) for start in starts]),
            ambient_c=self.ambient_c[rows],
            dice=dice,
        )
        level = np.array([self._level(start) for start in starts])
        return Tub(machine._replace(mains_l_min=machine.mains_l_min * pressure), load, self._strain(rows, level))

    def _level(self, start: Start) -> float:
        fault, effect = self.faults[start.unit], self._effect(start.unit)
        day_no, minute = divmod(start.minute, 1440)
        return float(level_of([fault], [effect.step], day_no, self.step_s)[minute, 0]) if fault else 0.0

    def _strain(self, rows: Ints, level: Floats) -> Strain:
        effects = [self._effect(i) for i in rows.tolist()]
        healthy = Effect()

        def at(name: str) -> Floats:
            good = float(getattr(healthy, name))
            return good + level * (np.array([float(getattr(effect, name)) for effect in effects]) - good)

        return Strain(*(at(name) for name in Strain._fields))

    def _starts(self, i: int, unit: Unit, day_no: int) -> list[Start]:
        rng = np.random.default_rng((unit.seed, 9, day_no))
        weekend = (day_no + 3) % 7 >= 5
        kind = self.kind
        hours = kind.weekend_hours if weekend else kind.hours
        often = kind.weekend if weekend else (7 - 2 * kind.weekend) / 5
        count = min(rng.poisson(unit.habit.household * often * self.a_week[i] / 7), 3)
        starts = []
        for _ in range(count):
            middle, spread = hours[int(rng.integers(len(hours)))]
            minute = int((rng.normal(middle, spread) - unit.utc_offset_h) % 24 * 60)
            programme = int(rng.choice(len(self.odds), p=self.odds))
            share, weight = rng.uniform(0.2, 1.0), float(np.exp(rng.normal(0.0, 0.5)))
            starts.append(
                Start(i, day_no * 1440 + minute, programme, share, weight, rng.normal(1.0, 0.05), rng.random())
            )
        return starts

    def _page(self, said: Floats, day: Day, level: Floats, happened: Happened) -> Page:
        """Between programmes it stands by: cools down, remembers its summaries, and pumps if its float has risen."""
        busy = ~np.isnan(said[0])
        wet = self._wet(said[CHANNELS.index("leak")])
        pumps_w = np.where(wet & ~busy, self.machine.pump_w[:, None], 0.0)
        idle: dict[str, Floats | float] = {
            "phase": np.where(wet, STOPPED, 0.0),
            "power_w": self.standby_w[:, None] + pumps_w,
            "temp_c": day.ambient_c.T + self._left(said[CHANNELS.index("temp_c")] - day.ambient_c.T),
            "pump_w": pumps_w,
            "leak": wet.astype(np.float64),
            "door": (day.door.T > 0).astype(np.float64),
        }
        columns = [self._column(name, said, busy, idle.get(name, 0.0)) for name, _ in self.kind.metrics]
        short = _held(said[-1], self.short)
        self.short = short[:, -1].copy()
        hidden = Hidden(level.T, np.maximum(short, wet), np.where(busy, said[CHANNELS.index("level_l")], 0.0))
        return Page(columns, day.silent.T, hidden, happened)

    def _column(self, name: str, said: Floats, busy: Bools, idle: Floats | float) -> Floats:
        if name == "door":  # nobody opens it while it washes
            return np.where(busy, 0.0, idle)
        place = CHANNELS.index(name)
        if place not in range(SUMMARIES.start, SUMMARIES.stop):
            return np.where(busy, said[place], idle)
        column = _held(said[place], self.last[place])
        self.last[place] = column[:, -1]
        return column

    def _wet(self, leak: Floats) -> Bools:
        """From the minute on at which the float switch rose, until somebody mends it: nobody does."""
        wet: Bools = self.wet[:, None] | np.logical_or.accumulate(np.nan_to_num(leak) > 0, axis=1)
        self.wet = wet[:, -1].copy()
        return wet

    def _left(self, above_k: Floats) -> Floats:
        """What the tub is still warmer than the room, after its last programme."""
        minutes = np.arange(above_k.shape[1])
        at = np.maximum.accumulate(np.where(np.isnan(above_k), -1, minutes), axis=1)
        begin_k = np.where(at >= 0, np.take_along_axis(above_k, np.maximum(at, 0), axis=1), self.warm_k[:, None])
        left_k: Floats = begin_k * np.exp(-(minutes - at) * 60 / COOLS_S)
        self.warm_k = left_k[:, -1].copy()
        return left_k


def _held(values: Floats, before: Floats) -> Floats:
    """Each value until the next one."""
    at = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(values.shape[1])), axis=1)
    return np.where(at >= 0, np.take_along_axis(values, np.maximum(at, 0), axis=1), before[:, None])
