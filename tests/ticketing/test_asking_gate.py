"""The asking gate, as a table of facts: pass, hold until a moment, or no, each with its reason."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest

from ticketing.alerts.model import Condition, Engagement
from ticketing.model import Severity
from ticketing.questions.gate import decide
from ticketing.questions.local_time import end_of_quiet, tomorrow_at
from ticketing.questions.model import AskPolicy, Code, Facts, Verdict

NOW = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)  # 22:30 in Berlin, 05:30 the next morning in Shanghai
NIGHT = AskPolicy(quiet=(time(22), time(8)))
MINUTE = timedelta(minutes=1)


def facts(**more: Any) -> Facts:
    said: dict[str, Any] = {
        "condition": Condition.ACTIVE,
        "engagement": Engagement.NONE,
        "severity": Severity.MAJOR,
        "newest_at": NOW - MINUTE,
        "received_at": NOW - MINUTE,
        "time_zone": "Europe/Berlin",
    }
    return Facts(**{**said, **more})


def test_nothing_in_the_way_means_ask() -> None:
    assert decide(facts(), AskPolicy(), NOW).verdict is Verdict.ASK


@pytest.mark.parametrize(
    ("more", "code", "look_in"),
    [
        ({"newest_at": None, "received_at": None}, Code.BEHIND, timedelta(seconds=5)),
        ({"newest_at": NOW - 16 * MINUTE}, Code.BEHIND, timedelta(seconds=5)),
        ({"newest_at": NOW - 25 * 60 * MINUTE, "received_at": NOW - 11 * MINUTE}, Code.GONE_QUIET, 10 * MINUTE),
        ({"shelved_until": NOW + 90 * MINUTE}, Code.SHELVED, 90 * MINUTE),
        ({"question_open": True}, Code.QUESTION_OPEN, MINUTE),
        ({"time_zone": None}, Code.NO_CUSTOMER, 10 * MINUTE),
        ({"last_asked_at": NOW - 3 * 60 * MINUTE}, Code.BUDGET, 90 * MINUTE),  # midnight in Berlin
    ],
)
def test_what_holds_a_question_back_and_until_when(more: dict[str, Any], code: Code, look_in: timedelta) -> None:
    decision = decide(facts(**more), AskPolicy(), NOW)
    assert (decision.verdict, decision.codes, decision.look_at) == (Verdict.HOLD, (code,), NOW + look_in)


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ({"newest_at": NOW - 15 * MINUTE, "received_at": NOW}, Verdict.ASK),  # caught up
        ({"newest_at": NOW - 60 * MINUTE, "received_at": NOW - 10 * MINUTE}, Verdict.ASK),  # it fell silent
        ({"last_asked_at": NOW - 23 * 60 * MINUTE}, Verdict.ASK),  # that was yesterday in Berlin
        ({"shelved_until": NOW, "engagement": Engagement.DECLINED}, Verdict.ASK),  # the shelf is over
        ({"keep_time": True}, Verdict.NO),
        ({"engagement": Engagement.ASKED}, Verdict.NO),
        ({"engagement": Engagement.EXPIRED}, Verdict.NO),  # it lies on the desk's list
        ({"open_ticket_id": uuid4(), "time_zone": None}, Verdict.JOIN),
        ({"open_ticket_id": uuid4(), "newest_at": NOW - 20 * MINUTE}, Verdict.HOLD),  # perhaps it is long over
        ({"condition": Condition.CLEARED}, Verdict.NO),
        ({"condition": Condition.CLEARED, "engagement": Engagement.WITHDRAWN}, Verdict.WITHDRAW),
        ({"condition": Condition.CLEARED, "ticket_id": uuid4()}, Verdict.NOTE),
    ],
)
def test_what_becomes_of_an_alert(more: dict[str, Any], verdict: Verdict) -> None:
    assert decide(facts(**more), AskPolicy(), NOW).verdict is verdict


def test_critical_knows_neither_budget_nor_night() -> None:
    asked = {"last_asked_at": NOW, "severity": Severity.CRITICAL}
    assert decide(facts(**asked), NIGHT, NOW).verdict is Verdict.ASK


def test_at_night_a_question_waits_for_the_customers_morning() -> None:
    decision = decide(facts(), NIGHT, NOW)
    assert (decision.codes, decision.look_at) == ((Code.QUIET_HOURS,), datetime(2026, 11, 21, 7, tzinfo=UTC))


def test_the_customers_night_is_not_ours() -> None:
    decision = decide(facts(time_zone="Asia/Shanghai"), NIGHT, NOW)
    assert decision.look_at == datetime(2026, 11, 21, 0, tzinfo=UTC)
    assert decide(facts(time_zone="America/New_York"), NIGHT, NOW).verdict is Verdict.ASK


def test_several_holds_wait_for_the_last_of_them() -> None:
    decision = decide(facts(question_open=True, last_asked_at=NOW), NIGHT, NOW)
    assert decision.codes == (Code.QUESTION_OPEN, Code.BUDGET, Code.QUIET_HOURS)
    assert decision.look_at == datetime(2026, 11, 21, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock", "ends"),
    [("21:59", None), ("22:00", "08:00"), ("23:59", "08:00"), ("00:00", "08:00"), ("07:59", "08:00"), ("08:00", None)],
)
def test_quiet_hours_cross_midnight_and_are_half_open(clock: str, ends: str | None) -> None:
    at = datetime.combine(date(2026, 11, 20), time.fromisoformat(clock), tzinfo=UTC)
    end = end_of_quiet(at, (time(22), time(8)), "UTC")
    assert (end and end.time().isoformat("minutes")) == ends
    assert end is None or timedelta() < end - at <= timedelta(hours=10)


def test_quiet_hours_within_a_day() -> None:
    noon = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    assert end_of_quiet(noon, (time(12), time(14)), "UTC") == datetime(2026, 11, 20, 14, tzinfo=UTC)
    assert end_of_quiet(noon, (time(13), time(14)), "UTC") is None


def test_tomorrow_at_nine_is_nine_on_the_clock_when_the_clock_is_changed() -> None:
    before = datetime(2026, 10, 24, 10, tzinfo=UTC)  # the night after it, Berlin goes back to winter time
    assert tomorrow_at(before, time(9), "Europe/Berlin") == datetime(2026, 10, 25, 8, tzinfo=UTC)


def test_a_zone_that_nobody_knows_counts_as_utc() -> None:
    assert tomorrow_at(NOW, time(9), "Mars/Olympus") == datetime(2026, 11, 21, 9, tzinfo=UTC)
