"""Where appliances stand: a row for each climate, and what the weather there is at some moment.

The means, what a year and a day add to them, and how much weather does are those of weather stations, rounded. How much
of it comes into a kitchen is judgement: heated and insulated houses keep it out, open ones do not.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

YEAR_D = 365.2425
# A day's weather is made of its own and the four days' before it: waves of heat and cold last that long.
_SPELL = np.array([0.65, 0.5, 0.4, 0.3, 0.26])


@dataclass(frozen=True)
class Place:
    """`warmest_d`: of the year. `seed`: which of its possible weathers."""

    name: str
    utc_offset_h: float  # of standard time
    mean_c: float  # outdoors, over the year
    yearly_k: float  # half of what lies between the warmest and the coldest month
    warmest_d: float
    daily_k: float  # half of what lies between day and night
    weather_k: float  # standard deviation of a day about its season
    indoors: float  # share of all that which comes into a room
    seed: int = 0


PLACES: dict[str, Place] = {
    name: Place(name, *facts)
    for name, facts in {
        "dublin": (0.0, 9.8, 5.3, 205.0, 3.3, 2.5, 0.15),
        "shanghai": (8.0, 17.1, 12.2, 208.0, 3.4, 2.8, 0.2),
        "halifax": (-4.0, 7.0, 12.3, 212.0, 4.4, 4.2, 0.12),
        "singapore": (8.0, 27.8, 0.9, 140.0, 3.2, 0.9, 0.25),
        "sydney": (10.0, 18.2, 5.2, 25.0, 4.0, 2.6, 0.2),
    }.items()
}


def mean_of_day_c(place: Place, day_no: int) -> float:
    """Outdoors: the season's and the weather's; `day_no` since 1970."""
    season = np.cos((day_no - place.warmest_d) / YEAR_D * 2 * np.pi)
    weather = sum(weight * _chance(place, day_no - ago) for ago, weight in enumerate(_SPELL))
    return float(place.mean_c + place.yearly_k * season + place.weather_k * weather)


@lru_cache(maxsize=64)
def outdoor_c(place: Place, day_no: int, steps: int) -> Floats:
    """(steps,) of one UTC day; from one day's mean to the next without a jump."""
    share = np.arange(steps) / steps
    mean_c = (1 - share) * mean_of_day_c(place, day_no) + share * mean_of_day_c(place, day_no + 1)
    return mean_c + place.daily_k * np.sin((share * 24 + place.utc_offset_h - 9) / 24 * 2 * np.pi)


def _chance(place: Place, day_no: int) -> float:
    return float(np.random.default_rng((place.seed, *place.name.encode(), day_no)).standard_normal())
