"""Warranty is counted from dates by terms: what is covered until when, and why."""

from dataclasses import replace
from datetime import date

import pytest

from devices import catalogue
from devices.model import Device, Own, Settings
from devices.warranty.covers import after_months, covers, of, standing, term
from devices.warranty.model import Cover, Dates, Repair, Standing, Start, Term
from tests.devices.conftest import CLASSES, NOW

WHOLE = Term(what="whole_unit", months=12)
COMPRESSOR = Term(what="compressor", months=36, starts=(Start.INSTALL, Start.FACTORY))
REPAIRED = Term(what="repair", months=3)
TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2026, 2, 28), 12, date(2027, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 11, 20), 0, date(2026, 11, 20)),
        (date(9999, 12, 1), 1, date.max),
    ],
)
def test_months_end_with_the_day_of_the_same_number_or_the_last_of_the_month(
    day: date, months: int, expected: date
) -> None:
    assert after_months(day, months) == expected


def cover(each: Term, dates: Dates, today: date = TODAY) -> Cover:
    (found,) = covers([each], dates, today)
    return found


def test_a_term_runs_from_the_first_of_its_starts_whose_day_is_known() -> None:
    every = Dates(invoice=date(2026, 3, 1), install=date(2026, 4, 1), factory=date(2025, 1, 1))
    assert (cover(WHOLE, every).start, cover(WHOLE, every).until) == (Start.INVOICE, date(2027, 3, 1))
    assert (cover(COMPRESSOR, every).start, cover(COMPRESSOR, every).until) == (Start.INSTALL, date(2029, 4, 1))
    only_made = cover(COMPRESSOR, Dates(invoice=date(2026, 3, 1), factory=date(2025, 1, 1)))
    assert (only_made.start, only_made.since) == (Start.FACTORY, date(2025, 1, 1))


def test_both_the_first_and_the_last_day_are_covered() -> None:
    dates = Dates(invoice=date(2025, 11, 20))
    assert cover(WHOLE, dates, date(2025, 11, 20)).holds
    assert cover(WHOLE, dates, date(2026, 11, 20)).holds
    assert not cover(WHOLE, dates, date(2026, 11, 21)).holds
    assert not cover(WHOLE, dates, date(2025, 11, 19)).holds


def test_without_a_day_nobody_knows() -> None:
    unknown = cover(WHOLE, Dates())
    assert (unknown.since, unknown.until, unknown.start, unknown.holds) == (None, None, None, False)


def test_what_was_repaired_is_covered_from_that_day_on() -> None:
    old = Dates(invoice=date(2020, 1, 1))
    fan = Repair(what="fan", done_on=date(2026, 10, 31), title={"en": "Fan"})
    board = Repair(what="board", done_on=date(2026, 1, 31), title={"en": "Board"}, months=1)
    _, repaired, ended = covers([WHOLE, REPAIRED], old, TODAY, [fan, board])
    assert (repaired.what, repaired.until, repaired.start, repaired.holds) == (
        "fan",
        date(2027, 1, 31),
        Start.REPAIR,
        True,
    )
    assert (ended.until, ended.holds) == (date(2026, 2, 28), False)
    nameless = Repair(what="unspecified", done_on=TODAY)
    assert covers([REPAIRED], old, TODAY, [nameless])[0].title == REPAIRED.title
    assert len(covers([WHOLE], old, TODAY, [fan])) == 1, "without a term for repairs only what was agreed on counts"


@pytest.mark.parametrize(
    ("terms", "dates", "expected"),
    [
        ([], Dates(invoice=TODAY), Standing.NO_TERMS),
        ([WHOLE, COMPRESSOR], Dates(), Standing.UNKNOWN),
        ([WHOLE, COMPRESSOR], Dates(invoice=date(2026, 1, 1)), Standing.COVERED),
        ([WHOLE, COMPRESSOR], Dates(install=date(2025, 1, 1)), Standing.PARTLY),
        ([WHOLE, COMPRESSOR], Dates(install=date(2015, 1, 1)), Standing.ENDED),
    ],
)
def test_of_all_covers_one_word_is_said(terms: list[Term], dates: Dates, expected: Standing) -> None:
    assert standing(covers(terms, dates, TODAY)) is expected


def a_device(**facts: object) -> Device:
    said = {"device_id": "f1", "tenant_id": "demo", "class_id": "refrigerator", "model": "F", "serial": "1"}
    rest = {"customer_id": None, "place": "", "region": "", "label_token": "x", "registered_at": NOW}
    return Device(device_no=1, **{**said, **rest, **facts})


def test_a_devices_terms_are_those_of_its_class_unless_its_tenant_says_otherwise() -> None:
    device = a_device(bought_on=date(2025, 6, 1))
    whole, compressor = of(CLASSES, device, TODAY, [])
    assert (whole.until, whole.holds) == (date(2026, 6, 1), False)
    assert (compressor.what, compressor.holds) == ("compressor", True)
    row = {"what": "whole_unit", "months": 24, "title": {"en": "Whole unit", "zh": "整机"}}
    ours = replace(CLASSES["refrigerator"], own={"demo": Own(settings=Settings(terms=(row,)))})
    (generous,) = of({"refrigerator": ours}, device, TODAY, [])
    assert (generous.until, generous.holds) == (date(2027, 6, 1), True)


def test_every_term_of_the_catalogue_can_be_counted() -> None:
    rows = [row for appliance in catalogue.load().values() for row in appliance.terms]
    assert {term(row).what for row in rows} >= {"whole_unit", "compressor", "repair"}
