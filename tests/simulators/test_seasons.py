"""Units that are well, of every class, in every season and place: what they run, how often, what they draw."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from simulators.climate import PLACES
from simulators.kinds import KINDS
from simulators.model import Unit
from simulators.run import Run
from simulators.thermal import Plant
from tests.simulators.yard import starts

SEASONS = ["2025-01-15", "2025-04-15", "2025-07-20", "2025-10-15"]
EACH, DAYS = 4, 1  # of each class in each place
OF_A_CLASS = EACH * len(PLACES)
AMBIENT = 3


class Lived(NamedTuple):
    """Each (units,) of one class; NaN of a unit that never ran."""

    duty: np.ndarray
    cycles: np.ndarray  # a day
    on_min: np.ndarray
    draw: np.ndarray  # while running: W, or A of a cold room
    mean_draw: np.ndarray
    outdoors_c: np.ndarray  # or the room's


@cache
def season(day: str) -> Run:
    """A day of all classes in one plant."""
    start_ms = int(np.datetime64(day, "ms").astype(int))
    places = [place for place in PLACES.values() for _ in range(EACH)]
    units = [Unit(seed=seed, place=place) for seed, place in enumerate(places)]
    kinds = [kind for kind in KINDS.values() for _ in units]
    return Plant(kinds, units * len(KINDS), start_ms).advance(DAYS * 1440)


def lived(class_id: str, day: str, only: Callable[[Lived], np.ndarray] | None = None) -> Lived:
    at = list(KINDS).index(class_id) * OF_A_CLASS
    run = season(day)
    on, values = run.truth.running[at : at + OF_A_CLASS], run.values[at : at + OF_A_CLASS]
    cycles = starts(on) / DAYS
    said = Lived(
        duty=on.mean(axis=1),
        cycles=cycles,
        on_min=on.sum(axis=1) / DAYS / np.maximum(cycles, 1),
        draw=np.array([_middle(row[ran]) for row, ran in zip(values[..., 4], on, strict=True)]),
        mean_draw=np.nanmean(values[..., 4], axis=1),
        outdoors_c=np.nanmean(values[..., AMBIENT], axis=1),
    )
    return said if only is None else Lived(*(column[only(said)] for column in said))


def _middle(draw: np.ndarray) -> float:
    return float(np.nanmedian(draw)) if len(draw) else np.nan


@pytest.mark.parametrize("day", SEASONS)
def test_refrigerators_lie_in_the_measured_ranges(day: str) -> None:
    """Measured: 11.5 to 54 cycles a day, on for 12 to 38 minutes, duty 0.31 to 0.44, 71 to 111 W; what is not of the
    typical unit may lie a little beyond."""
    well = lived("refrigerator", day)
    assert 0.31 <= np.median(well.duty) <= 0.46
    assert well.duty.min() >= 0.28
    assert well.duty.max() <= 0.57
    assert well.cycles.min() >= 11.5
    assert well.cycles.max() <= 54
    assert well.on_min.min() >= 12
    assert np.percentile(well.on_min, 80) <= 38
    assert well.on_min.max() <= 50
    assert 71 <= np.median(well.draw) <= 111
    assert well.draw.min() >= 60
    assert well.draw.max() <= 120


@pytest.mark.parametrize("day", SEASONS)
def test_freezers_take_what_their_labels_say(day: str) -> None:
    """150 to 300 kWh a year are 17 to 34 W, all the day long, with the defrosts of those that have them."""
    well = lived("freezer", day)
    assert 17 <= np.median(well.mean_draw) <= 34
    assert well.mean_draw.min() >= 12
    assert well.mean_draw.max() <= 46  # on the day of a defrost
    assert well.duty.min() >= 0.33
    assert well.duty.max() <= 0.57
    assert well.cycles.min() >= 11
    assert well.cycles.max() <= 36


@pytest.mark.parametrize("day", SEASONS)
def test_air_conditioners_run_where_it_is_warm_and_rest_where_it_is_not(day: str) -> None:
    warm = lived("air_conditioner", day, lambda well: well.outdoors_c > 26)
    assert len(warm.duty), "somewhere it is summer"
    assert warm.duty.min() >= 0.15
    assert warm.duty.max() <= 0.5
    assert warm.cycles.min() >= 15
    assert warm.cycles.max() <= 52
    assert warm.draw.min() >= 500
    assert warm.draw.max() <= 1900
    cool = lived("air_conditioner", day, lambda well: well.outdoors_c < 17)
    assert len(cool.duty)
    assert cool.duty.max() < 0.02


@pytest.mark.parametrize("day", SEASONS)
def test_cold_rooms_run_for_half_of_the_day(day: str) -> None:
    well = lived("cold_room", day)
    assert 0.4 <= np.median(well.duty) <= 0.53
    assert well.duty.min() >= 0.3
    assert well.duty.max() <= 0.62
    assert well.cycles.min() >= 16
    assert well.cycles.max() <= 50
    assert well.draw.min() >= 3
    assert well.draw.max() <= 20


@pytest.mark.parametrize("class_id", ["refrigerator", "cold_room"])
def test_a_defrost_warms_the_air_by_2_to_5_kelvins(class_id: str) -> None:
    """The typical one; a small one less, one after a day of open doors more. Above what the air is usually."""
    at = list(KINDS).index(class_id) * OF_A_CLASS
    rises = []
    for day in SEASONS:
        truth = season(day).truth
        for air_c, on in zip(truth.air_c[at : at + OF_A_CLASS], truth.defrosting[at : at + OF_A_CLASS], strict=True):
            begins = np.flatnonzero(on[1:] & ~on[:-1])
            rises += [air_c[begin : begin + 60].max() - np.median(air_c) for begin in begins]
    low, middle, high = np.percentile(rises, (2, 50, 98))
    assert low >= 1
    assert 2 <= middle <= 5
    assert high <= 7


def test_a_year_has_seasons() -> None:
    """Indoors too, where houses let them in."""
    winter, summer = (lived("refrigerator", day, lambda well: well.duty > 0) for day in (SEASONS[0], SEASONS[2]))
    north = [
        i for i, name in enumerate(name for name in PLACES for _ in range(EACH)) if name in {"shanghai", "halifax"}
    ]
    assert (summer.duty[north] > winter.duty[north]).mean() > 0.8
