"""What comes to a unit from outside on one day: weather, doors, goods, set-point changes, power cuts.

All of it follows from the unit's seed, its place, its incidents and the day alone, never from what happened before.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.climate import outdoor_c
from simulators.everyday import Incident
from simulators.model import Everyday, Unit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DAY_S = 86_400
VISITORS = 8.0  # times as many openings of the door


class Habits(NamedTuple):
    """What a unit's days have in common."""

    ambient_c: float
    swing_k: float
    doors: float  # openings a day


class Day(NamedTuple):
    """What comes from outside on one UTC day, each (steps, units); `chance` even in 0..1."""

    ambient_c: Floats
    door: Floats  # share of the step that the door was open
    warm_k: Floats  # heat of goods brought in, as kelvins across the walls
    set_shift_k: Floats
    mains: Bools
    silent: Bools
    chance: Floats


Happened = list[tuple[int, Incident]]  # which unit, and what


def outside(
    kinds: Sequence[Everyday], habits: Sequence[Habits], units: Sequence[Unit], day_no: int, step_s: int
) -> tuple[Day, Happened]:
    happened: Happened = []
    rows = []
    for i, (kind, habit, unit) in enumerate(zip(kinds, habits, units, strict=True)):
        row, incidents = _day_of_unit(kind, habit, unit, day_no, step_s)
        rows.append(row)
        happened += [(i, incident) for incident in incidents]
    return Day(*(np.stack(each, axis=1) for each in zip(*rows, strict=True))), happened


def _day_of_unit(
    kind: Everyday, habits: Habits, unit: Unit, day_no: int, step_s: int
) -> tuple[tuple[npt.NDArray[np.generic], ...], list[Incident]]:
    steps, happened, often = DAY_S // step_s, _Diary(day_no, step_s), unit.habit
    rng = np.random.default_rng((unit.seed, 1, day_no))
    clock = _clock(unit.utc_offset_h, day_no % 7, steps)
    ambient_c = _ambient_c(kind, habits, unit, day_no, clock)
    openings = habits.doors / steps * clock.meals * clock.awake
    openings *= often.household * np.where(clock.weekend, kind.weekend, 1.0)
    for rows, _ in _today(unit, "visitors", day_no, step_s):
        openings[rows] *= VISITORS
    opens = rng.random(steps) < openings
    door = np.where(opens, rng.uniform(0.15, 1.0, steps), 0.0)
    warm_k = np.maximum(kind.heated_c - ambient_c, 0.0)
    for _ in range(rng.poisson(often.household * kind.warm_loads * (1.6 if clock.weekend[steps // 2] else 0.8))):
        # Goods brought in around noon or evening give their heat off over an hour.
        at = int(rng.uniform(9.0, 20.0) - unit.utc_offset_h) % 24 * 3600 // step_s
        warm_k[at : at + 3600 // step_s] += rng.uniform(4.0, 14.0)
        happened.note("warm_load", at, min(at + 3600 // step_s, steps))
    spell = _Spells(rng, steps, step_s, happened)
    set_shift_k = spell("set_point_for_hours", often.household * kind.set_changes, (3600, 14_400)) * rng.choice(
        (-1.0, 1.0)
    )
    set_shift_k = set_shift_k - 2.0 * spell("quick_freeze", often.household * kind.quick_freezes, (3600, 5_400))
    for rows, incident in _today(unit, "set_point", day_no, step_s):
        set_shift_k[rows] += incident.size
    mains = spell("power_cut", often.power_cuts, (300, 2_400)) == 0
    silences = spell("silence", often.silences, (600, 3_600))
    for name in ("power_cut", "service"):
        for rows, _ in _today(unit, name, day_no, step_s):
            mains[rows] = False
    mains[: _row(unit.since_ms, day_no, step_s)] = False
    silent = ~mains | (silences > 0) | (rng.random(steps) < 0.002)
    return (ambient_c, door, warm_k, set_shift_k, mains, silent, rng.random(steps)), happened.incidents


class _Clock(NamedTuple):
    """What a day's hours are where a unit stands, each (steps,)."""

    share: Floats  # of the UTC day
    weekend: Bools
    meals: Floats  # the door opens that much more often ...
    awake: Floats  # ... and less at night
    warmth: Floats  # -1 .. 1, of a room


@lru_cache(maxsize=64)
def _clock(utc_offset_h: float, weekday: int, steps: int) -> _Clock:
    """`weekday`: days since 1970, modulo 7."""
    share = np.arange(steps) / steps
    local_h = share * 24 + utc_offset_h
    hour = local_h % 24
    meals: Floats = np.add.reduce([np.exp(-(((hour - meal) / 1.2) ** 2)) for meal in (7.5, 12.2, 18.7)])
    return _Clock(
        share=share,
        weekend=(weekday + np.floor(local_h / 24) + 3) % 7 >= 5,  # 1970 began on a Thursday
        meals=0.25 + 2.6 * meals,
        awake=np.where((hour > 1) & (hour < 5.5), 0.2, 1.0),
        warmth=np.sin((hour - 9) / 24 * 2 * np.pi),
    )


def _ambient_c(kind: Everyday, habits: Habits, unit: Unit, day_no: int, clock: _Clock) -> Floats:
    weather_k = (1 - clock.share) * _weather_k(unit.seed, day_no) + clock.share * _weather_k(unit.seed, day_no + 1)
    room_c: Floats = habits.ambient_c + habits.swing_k * (clock.warmth + 0.6 * weather_k)
    if unit.place is None:
        return room_c
    out_c = outdoor_c(unit.place, day_no, len(clock.share))
    if kind.outdoors:  # of the room's only what makes its wall sunnier than the next
        return out_c + room_c - sum(kind.ambient_c) / 2
    return unit.place.indoors * out_c + (1 - unit.place.indoors) * room_c


@lru_cache(maxsize=10_000)
def _weather_k(seed: int, day_no: int) -> float:
    """Asked for twice: each day begins with what the one before ended with."""
    return max(-1.8, min(1.8, float(np.random.default_rng((seed, 2, day_no)).standard_normal())))


def _row(at_ms: int, day_no: int, step_s: int) -> int:
    """Of a moment on that day; before it 0, after it beyond all."""
    return min(max(0, at_ms // 1000 - day_no * DAY_S), DAY_S) // step_s


def _today(unit: Unit, name: str, day_no: int, step_s: int) -> Iterator[tuple[slice, Incident]]:
    for incident in unit.incidents:
        if incident.name == name:
            until = _row(incident.until_ms, day_no, step_s) if incident.until_ms is not None else None
            yield slice(_row(incident.at_ms, day_no, step_s), until), incident


class _Diary:
    """What happened on one day, by rows of it."""

    def __init__(self, day_no: int, step_s: int) -> None:
        self._begin_ms, self._step_ms, self.incidents = day_no * DAY_S * 1000, step_s * 1000, list[Incident]()

    def note(self, name: str, at: int, until: int) -> None:
        at_ms, until_ms = (self._begin_ms + row * self._step_ms for row in (at, until))
        self.incidents.append(Incident(name=name, at_ms=at_ms, until_ms=until_ms))


class _Spells:
    """1 during something that happens to a unit so many times a day, else 0; it does not reach into the next day."""

    def __init__(self, rng: np.random.Generator, steps: int, step_s: int, diary: _Diary) -> None:
        self._rng, self._steps, self._step_s, self._diary = rng, steps, step_s, diary

    def __call__(self, name: str, a_day: float, length_s: tuple[float, float]) -> Floats:
        rng = self._rng
        happens, begin, length = (
            rng.random() < a_day,
            int(rng.uniform(0, self._steps)),
            int(rng.uniform(*length_s) / self._step_s),
        )
        spell = np.zeros(self._steps)
        spell[begin : begin + length] = happens
        if happens:
            self._diary.note(name, begin, min(begin + length, self._steps))
        return spell
