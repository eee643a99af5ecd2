"""Words of the yard that every class shares: a unit, what is wrong with it, what days bring to its kind."""

from dataclasses import dataclass, field

from simulators.climate import Place
from simulators.everyday import Habit, Incident

Span = tuple[float, float]

INF = float("inf")
NEVER_H = 1e9


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One appliance: everything about it but its fault and its incidents follows from `seed`."""

    seed: int
    utc_offset_h: float = 0.0  # meals and weekends are local
    place: Place | None = None  # None: the same weather all the year
    habit: Habit = field(default_factory=Habit)
    incidents: tuple[Incident, ...] = ()
    since_ms: int = 0  # switched on for the first time


@dataclass(frozen=True, kw_only=True)
class Fault:
    name: str  # of classes.FAULTS
    onset_ms: int
    ramp_s: float = 6 * 3600
    strength: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Everyday:
    """What days bring to units of a class."""

    ambient_c: Span
    swing_k: Span  # half of the difference between day and night
    outdoors: bool = False  # where its condenser stands; `ambient_c` is then that of its design
    heated_c: float = -INF  # what people keep the air at when it is colder outside, with what is inside anyway
    weekend: float = 1.4
    warm_loads: float = 0.0  # a day
    set_changes: float = 0.0  # a day
    quick_freezes: float = 0.0  # a day
