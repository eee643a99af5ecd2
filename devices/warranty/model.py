"""Words of the warranty."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

WHOLE_UNIT = "whole_unit"
REPAIR = "repair"


class Start(StrEnum):
    """From which day a term runs."""

    INVOICE = "invoice"
    INSTALL = "install"
    FACTORY = "factory"
    REPAIR = "repair"


@dataclass(frozen=True, kw_only=True)
class Term:
    """`what`: `whole_unit`, a component class such as `compressor`, or `repair`, which holds for what was repaired.
    It runs from the first of `starts` whose day is known."""

    what: str
    months: int
    starts: tuple[Start, ...] = (Start.INVOICE, Start.INSTALL, Start.FACTORY)
    title: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Dates:
    invoice: date | None = None
    install: date | None = None
    factory: date | None = None


@dataclass(frozen=True, kw_only=True)
class Repair:
    """What was put right on a day; `months` where the repair had a term of its own. Without a title it is called by
    that of the term."""

    what: str
    done_on: date
    title: Mapping[str, str] = field(default_factory=dict)
    months: int | None = None


@dataclass(frozen=True, kw_only=True)
class Cover:
    """What is covered from `since` to `until`, both days included, and from which day that was counted. Without a day
    to count from, all three are None: nobody knows."""

    what: str
    title: Mapping[str, str]
    months: int
    since: date | None = None
    until: date | None = None
    start: Start | None = None
    holds: bool = False


class Standing(StrEnum):
    """Of all covers together."""

    COVERED = "COVERED"  # the whole unit
    PARTLY = "PARTLY"  # a component, or what was repaired
    ENDED = "ENDED"
    UNKNOWN = "UNKNOWN"  # no day to count from
    NO_TERMS = "NO_TERMS"
