"""Words for what happens to a unit and is no fault."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Incident:
    """Something that happened to a unit and is no fault, yet may look like one. Names and sizes: incidents.py."""

    name: str
    at_ms: int
    until_ms: int | None = None  # None: it stays so
    size: float = 0.0
    metric: str = ""


@dataclass(frozen=True, kw_only=True)
class Habit:
    """How often everyday life comes to a unit: times what its class has, and times a day."""

    household: float = 1.0  # doors, warm goods, quick freezing, set points changed for hours
    power_cuts: float = 1 / 40
    silences: float = 1 / 12  # for up to an hour nothing is measured
