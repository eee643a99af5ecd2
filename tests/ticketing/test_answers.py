"""The first versioned answer wins; a yes is one transaction; a no says why."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.ticketing.builders import NOW, Firm, answer_in, at_once
from ticketing.alerts.model import Engagement
from ticketing.dispatch import store as dispatch
from ticketing.errors import BadAnswerError, NotFoundError, StaleVersionError
from ticketing.questions import confirm
from ticketing.questions.model import Answered, Choice, NoReason, QuestionState
from ticketing.snapshots import store as snapshots
from ticketing.tickets.model import Source, TicketState


def test_a_yes_freezes_the_snapshot_opens_the_ticket_and_proposes_an_engineer(firm: Firm) -> None:
    firm.engineer()
    device = firm.device()
    question = firm.question(device)
    answered = firm.answer(question)
    ticket = answered.ticket
    assert answered.first
    assert ticket is not None
    assert (answered.question.state, answered.question.version) == (QuestionState.YES, 2)
    assert (ticket.number, ticket.state, ticket.source) == ("T-000001", TicketState.READY, Source.ALERT)
    assert (ticket.alert_id, ticket.customer_id) == (question.alert_id, device.customer_id)
    alert = firm.alerts()[0]
    assert (alert.engagement, alert.ticket_id) == (Engagement.CONFIRMED, ticket.ticket_id)
    with firm.api() as conn:
        assert ticket.snapshot_id is not None
        snapshot = snapshots.find(conn, ticket.snapshot_id)
        proposal = dispatch.proposal(conn, ticket.ticket_id)
    assert snapshot is not None
    assert json.loads(snapshot.body)["alert"]["alert_id"] == str(alert.alert_id)
    assert proposal is not None
    assert [candidate.slug for candidate in proposal.ranking.ranked] == ["mei"]
    assert proposal.ranking.ranked[0].engineer_id == ticket.proposed_id
    assert firm.kinds(ticket.ticket_id) == ["ticket.opened", "ticket.proposed"]
    assert firm.kinds(question.question_id) == ["question.asked", "question.confirmed"]
    assert [letter.event.kind for letter in firm.deliveries("email")] == ["question.asked", "ticket.opened"]


def test_a_yes_that_fails_half_way_leaves_nothing_behind(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    question = firm.question(firm.device())
    before = {table: firm.count(table) for table in ("event", "delivery")}

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the light went out")

    monkeypatch.setattr(confirm, "propose", fail)
    with pytest.raises(RuntimeError, match="the light went out"):
        firm.answer(question)
    assert {table: firm.count(table) for table in ("snapshot", "ticket", "ticket_counter", "proposal")} == {
        "snapshot": 0,
        "ticket": 0,
        "ticket_counter": 0,
        "proposal": 0,
    }
    assert {table: firm.count(table) for table in ("event", "delivery")} == before
    assert firm.questions()[0].state is QuestionState.OPEN
    monkeypatch.undo()
    ticket = firm.answer(question).ticket
    assert ticket is not None
    assert ticket.number == "T-000001"


def test_two_answers_at_once_give_exactly_one_ticket(firm: Firm) -> None:
    question = firm.question(firm.device())
    answers = at_once(lambda: firm.answer(question), lambda: firm.answer(question), lambda: firm.answer(question))
    assert all(isinstance(answered, Answered) for answered in answers), answers
    assert sorted(answered.first for answered in answers) == [False, False, True]  # type: ignore[attr-defined]
    assert len({answered.ticket.ticket_id for answered in answers}) == 1  # type: ignore[attr-defined]
    assert len(firm.tickets()) == firm.count("snapshot") == 1


def test_a_yes_and_a_no_at_once_leave_one_of_them(firm: Firm) -> None:
    question = firm.question(firm.device())
    answers = at_once(lambda: firm.answer(question), lambda: firm.answer(question, Choice.NO, NoReason.FALSE_ALARM))
    first, second = sorted(answers, key=lambda answered: not answered.first)  # type: ignore[attr-defined]
    assert (first.first, second.first) == (True, False)  # type: ignore[attr-defined]
    assert first.question.state == second.question.state  # type: ignore[attr-defined]
    assert len(firm.tickets()) == (1 if first.question.state is QuestionState.YES else 0)  # type: ignore[attr-defined]


def test_a_second_answer_returns_the_first(firm: Firm) -> None:
    question = firm.question(firm.device())
    first = firm.answer(question)
    again = firm.answer(question, Choice.NO, NoReason.NOT_MINE)
    assert (again.first, again.ticket, again.question.state) == (False, first.ticket, QuestionState.YES)


def test_an_answer_to_another_version_than_the_current_one_is_refused(firm: Firm) -> None:
    question = firm.question(firm.device())
    with pytest.raises(StaleVersionError) as refused:
        firm.answer(question, version=0)
    assert (refused.value.seen, refused.value.current) == (0, 1)
    assert firm.questions()[0].state is QuestionState.OPEN


def test_a_no_needs_a_reason_and_nothing_else_has_one(firm: Firm) -> None:
    question = firm.question(firm.device())
    for choice, reason in ((Choice.NO, None), (Choice.YES, NoReason.NOT_MINE), (Choice.NOT_NOW, NoReason.NOT_MINE)):
        with pytest.raises(BadAnswerError):
            firm.answer(question, choice, reason)


@pytest.mark.parametrize("reason", list(NoReason))
def test_a_no_labels_the_detector_and_shelves_device_and_rule_for_two_weeks(firm: Firm, reason: NoReason) -> None:
    question = firm.question(firm.device())
    answered = firm.answer(question, Choice.NO, reason)
    assert (answered.question.reason, answered.ticket, firm.tickets()) == (reason, None, [])
    label = firm.events(question.question_id)[-1]
    assert (label.kind, label.data["reason"], label.data["rule"]) == ("question.declined", reason, "on_time:power_w")
    assert label.actor == f"customer:{question.customer_id}"
    alert = firm.alerts()[0]
    assert (alert.engagement, alert.look_at) == (Engagement.DECLINED, NOW + timedelta(days=14))


def test_not_now_is_no_label_and_shelves_until_nine_in_the_customers_morning(firm: Firm) -> None:
    question = firm.question(firm.device())
    answered = firm.answer(question, Choice.NOT_NOW)
    assert (answered.question.state, answered.question.reason) == (QuestionState.NOT_NOW, None)
    assert firm.kinds(question.question_id)[-1] == "question.postponed"
    assert firm.alerts()[0].look_at == datetime(2026, 11, 21, 8, tzinfo=UTC)  # nine in Berlin


def test_a_yes_after_somebody_reported_the_same_joins_that_ticket(firm: Firm) -> None:
    """The report came while the answer was typed: one visit, with the evidence."""
    device = firm.device()
    question = firm.question(device)
    with firm.api() as conn:
        conn.execute("UPDATE question SET state = 'EXPIRED'")  # so that the report is not taken for the yes
    reported = firm.report(device).ticket
    with firm.api() as conn:
        conn.execute("UPDATE question SET state = 'OPEN'")
    ticket = firm.answer(question).ticket
    assert ticket is not None
    assert (ticket.ticket_id, ticket.number) == (reported.ticket_id, reported.number)
    assert ticket.snapshot_id is not None
    assert firm.kinds(ticket.ticket_id)[-1] == "ticket.evidence_added"
    assert len(firm.tickets()) == 1


def test_another_tenant_cannot_answer(firm: Firm) -> None:
    question = firm.question(firm.device())
    with firm.database.connect("foremend_api", autocommit=False) as conn, pytest.raises(NotFoundError):
        answer_in(conn, question)
