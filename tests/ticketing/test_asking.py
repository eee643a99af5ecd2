"""Alerts become questions: asked when the record has caught up, once, and not in vain; withdrawn and expired aloud."""

from datetime import UTC, datetime, time, timedelta

import pytest

from devices import recordings
from devices.model import Recording
from tests.ticketing.builders import CLASSES, DESK, NOW, OTHER_RULE, RULE, Firm, at_once
from ticketing.alerts import store as alerts
from ticketing.alerts.model import Engagement, Review
from ticketing.questions.look import look_due
from ticketing.questions.model import AskPolicy, Choice, NoReason, QuestionState, Verdict
from ticketing.tickets import desk
from ticketing.tickets.model import TicketState


def test_a_customer_is_asked_about_an_active_alert(firm: Firm) -> None:
    device = firm.device()
    firm.readings(device)
    alert = firm.alert(device)
    assert firm.look() == [Verdict.ASK]
    (question,) = firm.questions()
    assert (question.state, question.version, question.family) == (QuestionState.OPEN, 1, "compressor")
    assert question.expires_at == NOW + timedelta(hours=48)
    (asked,) = firm.alerts()
    assert (asked.engagement, asked.look_at) == (Engagement.ASKED, None)
    assert firm.kinds(question.question_id) == ["question.asked"]
    (letter,) = firm.deliveries("email")
    assert (letter.destination, letter.event.kind) == (f"email:{device.customer_id}", "question.asked")
    assert alert.alert_id == question.alert_id
    assert firm.look() == []


def test_while_the_past_is_caught_up_nobody_is_asked(firm: Firm) -> None:
    device = firm.device()
    firm.readings(device, until=NOW - timedelta(days=2))
    firm.alert(device)
    assert firm.look() == [Verdict.HOLD]
    (held,) = firm.alerts()
    assert (held.waits_for, held.look_at) == ("BEHIND", NOW + timedelta(seconds=5))
    firm.forward(seconds=5)
    firm.readings(device)
    assert firm.look() == [Verdict.ASK]


def test_what_cleared_while_the_past_was_caught_up_is_never_asked(firm: Firm) -> None:
    device = firm.device()
    firm.readings(device, until=NOW - timedelta(days=2))
    firm.alert(device)
    firm.look()
    firm.finding(device, "CLEARED")
    firm.take()
    firm.forward(hours=1)
    firm.readings(device)
    assert (firm.look(), firm.questions(), firm.deliveries()) == ([], [], [])


def test_what_clears_before_the_answer_is_withdrawn_and_the_customer_is_told(firm: Firm) -> None:
    device = firm.device()
    question = firm.question(device)
    firm.finding(device, "CLEARED")
    firm.take()
    assert firm.look() == [Verdict.WITHDRAW]
    assert firm.questions()[0].state is QuestionState.WITHDRAWN
    assert firm.alerts()[0].engagement is Engagement.WITHDRAWN
    assert [letter.event.kind for letter in firm.deliveries("email")] == ["question.asked", "question.withdrawn"]
    answered = firm.answer(question)
    assert (answered.first, answered.ticket, firm.tickets()) == (False, None, [])


def test_an_answer_between_the_clearing_and_the_look_finds_the_question_withdrawn(firm: Firm) -> None:
    device = firm.device()
    question = firm.question(device)
    firm.finding(device, "CLEARED")
    firm.take()
    answered = firm.answer(question)
    assert (answered.question.state, answered.ticket) == (QuestionState.WITHDRAWN, None)
    assert firm.look() == [Verdict.WITHDRAW]
    assert firm.kinds(question.question_id) == ["question.asked", "question.withdrawn"]


def test_what_clears_after_the_ticket_is_a_note_and_never_a_close(firm: Firm) -> None:
    device = firm.device()
    ticket = firm.ticket(device)
    firm.finding(device, "CLEARED")
    firm.take()
    assert firm.look() == [Verdict.NOTE]
    assert firm.kinds(ticket.ticket_id)[-1] == "ticket.alert_cleared"
    assert firm.tickets()[0].state is TicketState.READY


def test_no_answer_expires_into_the_review_list(firm: Firm) -> None:
    device = firm.device()
    question = firm.question(device)
    firm.forward(hours=47)
    assert firm.expire() == 0
    firm.forward(hours=1)
    assert (firm.expire(), firm.expire()) == (1, 0)
    with firm.api() as conn:
        (review,) = alerts.reviews(conn)
    assert (review.review, review.engagement) == (Review.EXPIRED, Engagement.EXPIRED)
    assert firm.kinds(question.question_id) == ["question.asked", "question.expired"]
    assert firm.answer(question, now=firm.now).first is False
    assert firm.tickets() == []


def test_an_answer_after_the_time_is_over_comes_too_late_whether_or_not_the_timer_ran(firm: Firm) -> None:
    question = firm.question(firm.device())
    firm.forward(hours=49)
    answered = firm.answer(question)
    assert (answered.question.state, answered.first, firm.tickets()) == (QuestionState.EXPIRED, False, [])
    assert firm.alerts()[0].review is Review.EXPIRED


def test_a_device_without_an_owner_goes_to_the_review_list(firm: Firm) -> None:
    device = firm.device(owner=False)
    firm.readings(device)
    firm.alert(device)
    assert firm.look() == [Verdict.HOLD]
    with firm.api() as conn:
        (review,) = alerts.reviews(conn)
    assert (review.review, review.waits_for) == (Review.NO_CUSTOMER, "NO_CUSTOMER")


def test_a_recording_at_its_own_time_asks_nobody(firm: Firm) -> None:
    device = firm.device()
    recording = Recording(device_no=device.device_no, sha256="00" * 32, shift_ms=0, keep_time=True)
    with firm.api() as conn:
        recordings.keep(conn, device, recording, by=DESK, now=NOW)
    firm.readings(device)
    firm.alert(device)
    assert (firm.look(), firm.questions()) == ([Verdict.NO], [])
    assert firm.alerts()[0].look_at is None


def test_a_second_question_below_critical_waits_for_the_customers_next_day(firm: Firm) -> None:
    device = firm.device()
    question = firm.question(device)
    firm.answer(question, Choice.NO, NoReason.ALREADY_FIXED)
    firm.alert(device, OTHER_RULE)
    assert firm.look() == [Verdict.HOLD]
    held = next(alert for alert in firm.alerts() if alert.rule == OTHER_RULE)
    assert (held.waits_for, held.look_at) == ("BUDGET", datetime(2026, 11, 20, 23, tzinfo=UTC))  # midnight in Berlin


def test_critical_does_not_wait_for_the_next_day(firm: Firm) -> None:
    device = firm.device("room-1", class_id="cold_room")
    rule = "on_time:compressor_current_a"
    firm.answer(firm.question(device, rule), Choice.NO, NoReason.ALREADY_FIXED)
    firm.alert(device, "level:room_temp_c")
    assert firm.look() == [Verdict.ASK]


def test_two_rules_of_one_family_are_one_question(firm: Firm) -> None:
    """Correlation: the second alert waits for the answer to the first, and its evidence follows the yes."""
    device = firm.device()
    question = firm.question(device)
    with firm.database.connect() as conn:  # the catalogue has one rule a family here; another one of the same
        conn.execute(
            "INSERT INTO alert SELECT (jsonb_populate_record(a, jsonb_build_object('alert_id', gen_random_uuid(),"
            " 'rule', 'level:power_w', 'engagement', 'NONE', 'look_at', raised_at))).* FROM alert a"
        )
    assert firm.look() == [Verdict.HOLD]
    ticket = firm.answer(question).ticket
    assert ticket is not None
    firm.forward(days=1)
    firm.readings(device)
    assert sorted(firm.look()) == [Verdict.HOLD, Verdict.JOIN]
    assert firm.kinds(ticket.ticket_id)[-1] == "ticket.evidence_added"
    assert len(firm.questions()) == 1


def test_with_an_open_ticket_the_evidence_is_appended_and_nobody_is_asked(firm: Firm) -> None:
    device = firm.device()
    firm.readings(device)
    ticket = firm.report(device).ticket
    firm.alert(device)
    assert (firm.look(), firm.questions()) == ([Verdict.JOIN], [])
    assert firm.alerts()[0].ticket_id == ticket.ticket_id
    evidence = firm.events(ticket.ticket_id)[-1]
    assert (evidence.kind, evidence.data["rule"]) == ("ticket.evidence_added", RULE)


@pytest.mark.parametrize("asked", [True, False])
def test_what_is_still_so_a_day_after_its_ticket_ended_is_asked_about_again(firm: Firm, *, asked: bool) -> None:
    device = firm.device()
    firm.readings(device)
    ticket = firm.ticket(device) if asked else firm.report(device).ticket
    if not asked:
        firm.alert(device)
        assert firm.look() == [Verdict.JOIN]
    firm.forward(minutes=10)
    firm.readings(device)
    assert firm.look() == [Verdict.HOLD]
    assert firm.alerts()[0].waits_for == "TICKET_OPEN"
    assert firm.kinds(ticket.ticket_id).count("ticket.evidence_added") == (not asked), (
        "what it has it is not given again"
    )
    with firm.api() as conn:
        desk.move(
            conn,
            ticket_id=ticket.ticket_id,
            to=TicketState.CANCELLED,
            actor="staff:desk",
            reason=None,
            expected_version=ticket.version,
            now=firm.now,
        )
    ended = firm.now
    firm.forward(minutes=10)
    firm.readings(device)
    assert firm.look() == [Verdict.HOLD]
    held = firm.alerts()[0]
    assert held.waits_for is not None
    assert "REPAIRED" in held.waits_for
    assert held.look_at is not None
    assert held.look_at >= ended + timedelta(days=1)
    firm.now = held.look_at
    firm.readings(device)
    assert firm.look() == [Verdict.ASK]


def test_a_no_is_kept_through_flapping_until_its_shelf_ends(firm: Firm) -> None:
    device = firm.device()
    firm.answer(firm.question(device), Choice.NO, NoReason.FALSE_ALARM)
    firm.forward(days=1)
    firm.finding(device, "CLEARED")
    firm.readings(device)
    firm.alert(device)
    assert firm.look() == [Verdict.HOLD]
    held = firm.alerts()[0]
    assert (held.waits_for, held.look_at) == ("SHELVED", NOW + timedelta(days=14))
    firm.forward(days=13)
    firm.readings(device)
    assert firm.look() == [Verdict.ASK]


def test_not_now_is_asked_again_tomorrow_at_nine_if_it_is_still_so(firm: Firm) -> None:
    device = firm.device()
    firm.answer(firm.question(device), Choice.NOT_NOW)
    assert firm.look() == []
    firm.now = datetime(2026, 11, 21, 8, tzinfo=UTC)  # nine in Berlin
    firm.readings(device)
    assert firm.look() == [Verdict.ASK]
    assert len(firm.questions()) == 2


def test_quiet_hours_are_off_until_a_tenant_wants_them(firm: Firm) -> None:
    firm.now = datetime(2026, 11, 20, 1, tzinfo=UTC)  # two in the morning in Berlin
    assert firm.question(firm.device())
    firm.policy = AskPolicy(quiet=(time(22), time(8)))
    other = firm.device("fridge-2")
    firm.readings(other)
    firm.alert(other)
    assert firm.look() == [Verdict.HOLD]


def test_two_relays_at_once_ask_once(firm: Firm) -> None:
    device = firm.device()
    firm.readings(device)
    firm.alert(device)
    verdicts = at_once(firm.look, firm.look)
    assert sorted(map(len, verdicts)) == [0, 1]  # type: ignore[arg-type]
    assert len(firm.questions()) == len(firm.deliveries("email")) == 1


def test_an_alert_that_the_gate_cannot_read_is_put_on_the_desk_and_the_rest_goes_on(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    ill, other = firm.device(), firm.device("room-1", class_id="cold_room")
    firm.readings(ill)
    firm.alert(ill)
    firm.alert(other, "level:room_temp_c")
    monkeypatch.setitem(CLASSES, "cold_room", None)  # its class is not what it was
    with firm.relay() as conn:
        assert look_due(conn, catalogue=CLASSES, policy=firm.policy, now=NOW) == [Verdict.ASK, Verdict.HOLD]
    with firm.api() as conn:
        (failed,) = alerts.reviews(conn)
    assert (failed.device_id, failed.review) == ("room-1", Review.FAILED)
    assert failed.look_at == NOW + timedelta(minutes=10)
