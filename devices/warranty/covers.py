"""(terms, dates, repairs, today) -> what is covered until when, and why."""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from devices import settings
from devices.model import Catalogue, Device
from devices.warranty.model import REPAIR, WHOLE_UNIT, Cover, Dates, Repair, Standing, Start, Term


def of(catalogue: Catalogue, device: Device, today: date, repairs: Sequence[Repair]) -> tuple[Cover, ...]:
    """By the terms of its class, its tenant and its model, and its own dates. `repairs`: what was put right on it."""
    appliance = settings.of(catalogue[device.class_id], device.tenant_id, device.model)
    dates = Dates(invoice=device.bought_on, install=device.installed_on, factory=device.made_on)
    return covers([term(row) for row in appliance.terms], dates, today, repairs)


def covers(terms: Iterable[Term], dates: Dates, today: date, repairs: Sequence[Repair] = ()) -> tuple[Cover, ...]:
    """One for each term, then one for each repair that the terms say something about."""
    terms = list(terms)
    after_repair = next((each for each in terms if each.what == REPAIR), None)
    days = {Start.INVOICE: dates.invoice, Start.INSTALL: dates.install, Start.FACTORY: dates.factory}
    found = [_counted(each, days, today) for each in terms if each.what != REPAIR]
    for repair in repairs:
        months = repair.months or (after_repair.months if after_repair else None)
        if months is not None:
            title = repair.title or (after_repair.title if after_repair else {})
            found.append(_cover(repair.what, title, months, (Start.REPAIR, repair.done_on), today))
    return tuple(found)


def standing(found: Sequence[Cover]) -> Standing:
    if not found:
        return Standing.NO_TERMS
    if any(cover.holds for cover in found if cover.what == WHOLE_UNIT):
        return Standing.COVERED
    if any(cover.holds for cover in found):
        return Standing.PARTLY
    return Standing.ENDED if any(cover.until is not None for cover in found) else Standing.UNKNOWN


def term(row: Mapping[str, Any]) -> Term:
    """As the catalogue has it, which has checked it."""
    starts = {"starts": tuple(Start(each) for each in row["starts"])} if "starts" in row else {}
    return Term(what=row["what"], months=row["months"], title=row["title"], **starts)


def after_months(day: date, months: int) -> date:
    """The day of the same number so many months on, or the last of a month that has none: a period that begins with an
    event on the 31st of January ends, after a month, with the last of February (BGB 188; Civil Code of China 203)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _counted(each: Term, days: Mapping[Start, date | None], today: date) -> Cover:
    start = next(((start, day) for start in each.starts if (day := days[start]) is not None), None)
    if start is None:
        return Cover(what=each.what, title=each.title, months=each.months)
    return _cover(each.what, each.title, each.months, start, today)


def _cover(what: str, title: Mapping[str, str], months: int, start: tuple[Start, date], today: date) -> Cover:
    why, since = start
    until = after_months(since, months)
    return Cover(
        what=what, title=title, months=months, since=since, until=until, start=why, holds=since <= today <= until
    )
