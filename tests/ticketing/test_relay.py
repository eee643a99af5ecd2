"""The relay as a whole: it is woken, asks, lets questions expire, delivers, and does not die in part."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from api.relay import run as relay
from api.watch.pulse import LOOPS
from tests.processes import relaying, wait_for
from tests.ticketing.builders import DESK, Firm
from tests.ticketing.receivers import receiver
from ticketing.alerts.model import Engagement
from ticketing.alerts.take import Took, take_findings
from ticketing.notify import webhooks
from ticketing.questions.model import AskPolicy, QuestionState


def test_a_finding_becomes_a_question_and_is_told_to_subscribers(firm: Firm) -> None:
    firm.now = datetime.now(UTC)
    device = firm.device()
    firm.readings(device)
    with receiver() as there, relaying(firm.database.settings(webhook_allow_private=True)) as run:
        with firm.api() as conn:
            _, secret = webhooks.subscribe(conn, url=there.url, events=["question.asked"], by=DESK, now=firm.now)
        firm.finding(device)
        wait_for(lambda: there.got)
        headers, body = there.got[0]
        (question,) = firm.questions()
        assert Webhook(secret).verify(body, headers)["subject"] == str(question.question_id)
        assert not run.done()
    assert run.result() is None


def test_a_notification_wakes_it_long_before_the_next_look(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "POLL_S", 120.0)
    firm.now = datetime.now(UTC)
    device = firm.device()
    firm.readings(device)
    looked = threading.Event()

    def look(*said: Any) -> list[Took]:
        took = take_findings(*said)
        looked.set()
        return took

    monkeypatch.setattr(relay, "take_findings", look)
    with relaying(firm.database.settings()):
        wait_for(looked.is_set)
        firm.finding(device)
        wait_for(firm.questions)
        monkeypatch.undo()
        firm.finding(device)  # the last thing that it waits for so long


def test_without_a_notification_it_finds_out_by_looking(firm: Firm) -> None:
    firm.now = datetime.now(UTC)
    device = firm.device()
    firm.readings(device)
    with firm.database.connect() as conn:
        conn.execute(
            "INSERT INTO finding (tenant_id, device_no, rule, claim, metric, observed, expected, since, at, seq)"
            " VALUES ('demo', %s, 'on_time:power_w', 'RAISED', 'power_w', 1, 2, now(), now(), 1)",
            [device.device_no],
        )
    with relaying(firm.database.settings()):
        wait_for(firm.questions)


def test_what_was_held_is_asked_when_its_moment_comes_and_expires_when_it_is_over(firm: Firm) -> None:
    firm.now = datetime.now(UTC)
    device = firm.device()
    firm.readings(device, until=firm.now - timedelta(days=2))
    with relaying(firm.database.settings()):
        firm.finding(device)
        wait_for(lambda: [alert for alert in firm.alerts() if alert.waits_for == "BEHIND"])
        firm.readings(device)
        with firm.database.connect() as conn:
            conn.execute("UPDATE alert SET look_at = now()")
        wait_for(firm.questions)
        with firm.database.connect() as conn:
            conn.execute("UPDATE question SET expires_at = now()")
        wait_for(lambda: firm.questions()[0].state is QuestionState.EXPIRED)
    assert firm.alerts()[0].engagement is Engagement.EXPIRED


@pytest.mark.parametrize("job", ["take_and_ask", "keep_time", "deliver"])
def test_a_loop_that_dies_ends_the_relay_with_its_error(firm: Firm, monkeypatch: pytest.MonkeyPatch, job: str) -> None:
    def die(*_: object) -> None:
        raise ValueError(f"{job} is ill")

    monkeypatch.setattr(relay, job, die)
    with pytest.raises(ValueError, match=f"{job} is ill"):
        relay.run(firm.database.settings(), threading.Event())


def test_it_waits_for_a_database_that_throws_it_out(firm: Firm) -> None:
    firm.now = datetime.now(UTC)
    device = firm.device()
    firm.readings(device)
    theirs = "pg_stat_activity WHERE usename = 'foremend_relay' AND datname = current_database()"
    with relaying(firm.database.settings()) as run:
        wait_for(lambda: firm.count(theirs) == len(LOOPS))
        with firm.database.connect() as conn:
            conn.execute(f"SELECT pg_terminate_backend(pid) FROM {theirs}")
        wait_for(lambda: firm.count(theirs) == len(LOOPS))
        firm.finding(device)
        wait_for(firm.questions)
        assert not run.done()


def test_quiet_hours_are_a_setting_and_off_without_it(firm: Firm) -> None:
    assert relay.policy_of(firm.database.settings()) == AskPolicy()
    policy = relay.policy_of(firm.database.settings(quiet_hours="22:00-08:00"))
    assert policy.quiet is not None
    assert [clock.isoformat("minutes") for clock in policy.quiet] == ["22:00", "08:00"]
