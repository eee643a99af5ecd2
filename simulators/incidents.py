"""What happens to units that are well and yet makes a detector look twice: how often, when, and how much.

| name | what | size |
|---|---|---|
| power_cut | mains away for hours; shorter ones come with everyday life | |
| set_point | somebody set another temperature, and it stays so | K |
| visitors | an evening of a weekend at which the door hardly closes | |
| offline | what is measured waits in the unit and is sent afterwards | 1: newest first, else 0 |
| clock_step | the unit's clock is ahead or behind until it is set again | ms |
| clock_reset | after a power cut it counts from 1970 until it is set again | |
| firmware_fahrenheit, firmware_tenths | a new firmware says a metric on another scale until the next one | |
| firmware_shift | a new firmware calibrates a metric anew | K |
| replaced | another unit under the same label | |
| service | somebody works on it, who switches it off meanwhile; a fault that comes with it is there afterwards | |

What happens every day is days.py's: warm_load, set_point_for_hours, quick_freeze, power_cut, silence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from simulators.days import Floats
from simulators.everyday import Habit, Incident
from simulators.model import Span

MONTH_D = 30
DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000
SPELLS = ("firmware_fahrenheit", "firmware_tenths")
FIRMWARE = (*SPELLS, "firmware_shift")
SWITCHED_OFF = ("power_cut", "service")


@dataclass(frozen=True, kw_only=True)
class Rates:
    """A unit's, times a year unless said otherwise. Judgement around what service desks of connected appliances tell;
    who knows better about his own fleet says so in the mix."""

    household: float = 1.0  # of what its class has of doors, warm goods, quick freezing, set points for hours
    power_cuts: float = 9.0  # of minutes
    long_power_cuts: float = 0.5  # of hours
    silences: float = 30.0
    set_points: float = 1.0
    visitors: float = 12.0
    offline: float = 20.0
    clock_steps: float = 0.5
    clock_forgets: float = 0.05  # share of the units: 1970 after a power cut
    clock_free: float = 0.2  # share of the units: nobody ever sets their clock
    clock_ppm: float = 20.0  # standard deviation of those
    firmware_scales: float = 0.05
    firmware_shifts: float = 0.2
    replaced: float = 0.04

    def habit(self) -> Habit:
        return Habit(household=self.household, power_cuts=self.power_cuts / 365, silences=self.silences / 365)


NONE = Rates(**dict.fromkeys((each.name for each in fields(Rates)), 0.0))

_Make = Callable[[np.random.Generator, int], Incident]


def draw(
    rates: Rates, seed: int, temperatures: Sequence[str], utc_offset_h: float, start_ms: int, days: int
) -> tuple[Incident, ...]:
    """In order of time; a month does not depend on how many follow. `temperatures`: metrics in °C."""

    def visitors(rng: np.random.Generator, at_ms: int) -> Incident:
        day_no = at_ms // DAY_MS
        day_no += (5 - (day_no + 3) % 7) % 7 + int(rng.integers(2))  # the next Saturday, or its Sunday
        begin_ms = day_no * DAY_MS + int((rng.uniform(17, 21) - utc_offset_h) * HOUR_MS)
        return Incident(name="visitors", at_ms=begin_ms, until_ms=begin_ms + _ms(rng, (1, 4), HOUR_MS))

    def firmware(names: Sequence[str]) -> _Make:
        def make(rng: np.random.Generator, at_ms: int) -> Incident:
            name = names[int(rng.integers(len(names)))]
            metric, size = temperatures[int(rng.integers(len(temperatures)))], _either(rng, (0.5, 2.5))
            fixed_ms = at_ms + _ms(rng, (2, 20), DAY_MS)
            if name in SPELLS:
                return Incident(name=name, at_ms=at_ms, until_ms=fixed_ms, metric=metric)
            return Incident(name=name, at_ms=at_ms, metric=metric, size=round(size, 1))

        return make

    a_year: tuple[tuple[float, _Make], ...] = (
        (rates.long_power_cuts, _power_cut),
        (rates.set_points, _set_point),
        (rates.visitors, visitors),
        (rates.offline, _offline),
        (rates.clock_steps, _clock_step),
        (rates.firmware_scales if temperatures else 0.0, firmware(SPELLS)),
        (rates.firmware_shifts if temperatures else 0.0, firmware(FIRMWARE[-1:])),
        (rates.replaced, _replaced),
    )
    made = []
    for month in range(-(-days // MONTH_D)):
        rng = np.random.default_rng((seed, 3, month))
        for rate, make in a_year:
            at = [month + rng.random() for _ in range(rng.poisson(rate * MONTH_D / 365))]
            made += [make(rng, start_ms + int(each * MONTH_D * DAY_MS)) for each in at]
    return tuple(sorted(made, key=lambda incident: incident.at_ms))


def service(seed: int, done_ms: int) -> Incident:
    rng = np.random.default_rng((seed, 10, done_ms))
    return Incident(name="service", at_ms=done_ms - _ms(rng, (30, 90), MINUTE_MS), until_ms=done_ms)


def said_by_firmware(incident: Incident, values: Floats) -> Floats:
    """Of what the sensor says, after one of FIRMWARE."""
    if incident.name == "firmware_fahrenheit":
        return np.round(values * 1.8 + 32, 1)
    return np.round(values * 10) if incident.name == "firmware_tenths" else np.round(values + incident.size, 1)


def _power_cut(rng: np.random.Generator, at_ms: int) -> Incident:
    return Incident(name="power_cut", at_ms=at_ms, until_ms=at_ms + _ms(rng, (2, 10), HOUR_MS))


def _set_point(rng: np.random.Generator, at_ms: int) -> Incident:
    return Incident(name="set_point", at_ms=at_ms, size=round(_either(rng, (0.5, 2.0)), 1))


def _offline(rng: np.random.Generator, at_ms: int) -> Incident:
    newest_first = float(rng.random() < 0.3)
    return Incident(name="offline", at_ms=at_ms, until_ms=at_ms + _ms(rng, (10, 2880), MINUTE_MS), size=newest_first)


def _clock_step(rng: np.random.Generator, at_ms: int) -> Incident:
    size_ms = float(round(_either(rng, (2, 90)) * MINUTE_MS))
    return Incident(name="clock_step", at_ms=at_ms, until_ms=at_ms + _ms(rng, (1, 240), HOUR_MS), size=size_ms)


def _replaced(_: np.random.Generator, at_ms: int) -> Incident:
    return Incident(name="replaced", at_ms=at_ms)


def _ms(rng: np.random.Generator, span: Span, unit_ms: int) -> int:
    """Within two bounds, as likely to double as to halve."""
    return int(np.exp(rng.uniform(*np.log(span))) * unit_ms)


def _either(rng: np.random.Generator, span: Span) -> float:
    return float(np.exp(rng.uniform(*np.log(span))) * rng.choice((-1.0, 1.0)))
