"""What comes to a unit from outside on one day: weather, doors, goods, set-point changes, power cuts.

All of it follows from the unit's seed and the day alone, never from what happened before.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.model import Everyday, Unit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DAY_S = 86_400


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


def outside(
    kinds: Sequence[Everyday], habits: Sequence[Habits], units: Sequence[Unit], day_no: int, step_s: int
) -> Day:
    days = [
        _day_of_unit(kind, habit, unit, day_no, step_s) for kind, habit, unit in zip(kinds, habits, units, strict=True)
    ]
    return Day(*(np.stack(rows, axis=1) for rows in zip(*days, strict=True)))


def _day_of_unit(
    kind: Everyday, habits: Habits, unit: Unit, day_no: int, step_s: int
) -> tuple[npt.NDArray[np.generic], ...]:
    steps = DAY_S // step_s
    rng = np.random.default_rng((unit.seed, 1, day_no))
    share = np.arange(steps) / steps
    local_h = share * 24 + unit.utc_offset_h
    weekend = (day_no + np.floor(local_h / 24) + 3) % 7 >= 5  # 1970 began on a Thursday
    hour = local_h % 24
    weather_k = (1 - share) * _weather_k(unit, day_no) + share * _weather_k(unit, day_no + 1)
    ambient_c = habits.ambient_c + habits.swing_k * (np.sin((hour - 9) / 24 * 2 * np.pi) + 0.6 * weather_k)
    meals = sum(np.exp(-(((hour - meal) / 1.2) ** 2)) for meal in (7.5, 12.2, 18.7))
    openings = habits.doors / steps * (0.25 + 2.6 * meals) * np.where((hour > 1) & (hour < 5.5), 0.2, 1.0)
    opens = rng.random(steps) < openings * np.where(weekend, kind.weekend, 1.0)
    door = np.where(opens, rng.uniform(0.15, 1.0, steps), 0.0)
    warm_k = np.zeros(steps)
    for _ in range(rng.poisson(kind.warm_loads * (1.6 if weekend[steps // 2] else 0.8))):
        # Goods brought in around noon or evening give their heat off over an hour.
        at = int(rng.uniform(9.0, 20.0) - unit.utc_offset_h) % 24 * 3600 // step_s
        warm_k[at : at + 3600 // step_s] += rng.uniform(4.0, 14.0)
    set_shift_k = _spell(rng, kind.set_changes, (3600, 14_400), step_s) * rng.choice((-1.0, 1.0))
    set_shift_k = set_shift_k - 2.0 * _spell(rng, kind.quick_freezes, (3600, 5_400), step_s)
    mains = _spell(rng, 1 / 40, (300, 2_400), step_s) == 0
    silent = ~mains | (_spell(rng, 1 / 12, (600, 3_600), step_s) > 0) | (rng.random(steps) < 0.002)
    return ambient_c, door, warm_k, set_shift_k, mains, silent, rng.random(steps)


def _weather_k(unit: Unit, day_no: int) -> float:
    return float(np.clip(np.random.default_rng((unit.seed, 2, day_no)).standard_normal(), -1.8, 1.8))


def _spell(rng: np.random.Generator, a_day: float, length_s: tuple[float, float], step_s: int) -> Floats:
    """1 during something that happens to a unit `a_day` times a day, else 0; it does not reach into the next day."""
    steps = DAY_S // step_s
    happens, begin, length = rng.random() < a_day, int(rng.uniform(0, steps)), int(rng.uniform(*length_s) / step_s)
    spell = np.zeros(steps)
    spell[begin : begin + length] = happens
    return spell
