"""What a device of a class can be told to be like: rows of the catalogue, and those that every class has."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Of a setting's value."""

    NUMBER = "number"
    WHOLE = "whole"
    SWITCH = "switch"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True)
class Adjustable:
    """`low` and `high` bound numbers, in `unit`."""

    name: str  # carries its unit: `set_point_c`
    title: Mapping[str, str]
    kind: Kind = Kind.NUMBER
    unit: str = "1"
    low: float | None = None
    high: float | None = None


SET_POINT = "set_point_c"  # of a class or model with a band for it
FIRMWARE = "firmware"  # a setting like the others, but for its place in what a device reports
COMMON = (  # of every class that says nothing else
    Adjustable(
        name="sampling_period_s",
        title={"en": "Sampling period", "zh": "采样周期"},
        kind=Kind.WHOLE,
        unit="s",
        low=1,
        high=86_400,
    ),
    Adjustable(name=FIRMWARE, title={"en": "Firmware", "zh": "固件版本"}, kind=Kind.TEXT),
)
