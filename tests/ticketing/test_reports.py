"""People's reports: one gate; a ticket is opened, joined, or the open question is answered by it."""

from datetime import timedelta

import pytest

from tests.ticketing.builders import Firm, a_photo, at_once
from ticketing.alerts.model import Engagement
from ticketing.errors import ReportRefusedError
from ticketing.intake import store
from ticketing.intake.model import MAX_WORDS, Outcome, Submitted, Witness
from ticketing.model import UNSPECIFIED, Severity
from ticketing.questions.model import QuestionState
from ticketing.tickets import desk
from ticketing.tickets.model import Source, Ticket, TicketState


def witnesses(firm: Firm, ticket: Ticket) -> list[Witness]:
    with firm.api() as conn:
        return store.of_ticket(conn, ticket.ticket_id)


def test_a_report_opens_a_ticket_with_its_owner_and_an_engineer(firm: Firm) -> None:
    mei = firm.engineer()
    device = firm.device()
    submitted = firm.report(device, "Water below it", contact="0123", photo=a_photo())
    ticket = submitted.ticket
    assert (submitted.joined, ticket.number, ticket.source) == (False, "T-000001", Source.REPORT)
    assert (ticket.family, ticket.severity, ticket.customer_id) == (UNSPECIFIED, Severity.MAJOR, device.customer_id)
    assert ticket.proposed_id == mei
    (witness,) = witnesses(firm, ticket)
    assert (witness.words, witness.contact, witness.photo, witness.joined) == (
        "Water below it",
        "0123",
        a_photo(),
        False,
    )
    assert {step.step: step.code for step in witness.steps} == {
        "identity": "OWNED",
        "asset": "BY_LABEL",
        "warranty": "WARRANTY_UNKNOWN",
        "content": "WORDS",
        "pace": "FEW",
        "duplicates": "NEW",
    }


def test_a_second_report_on_the_same_device_joins_as_a_witness(firm: Firm) -> None:
    device = firm.device()
    first, second = firm.report(device), firm.report(device, "It hums", actor="label:fridge-1")
    assert (second.joined, second.ticket.number) == (True, first.ticket.number)
    assert [witness.words for witness in witnesses(firm, first.ticket)] == ["It is warm inside", "It hums"]
    event = firm.events(first.ticket.ticket_id)[-1]
    assert (event.kind, event.data["report_id"]) == ("ticket.witness_joined", str(second.report_id))


def test_a_report_joins_the_ticket_that_an_alert_led_to(firm: Firm) -> None:
    device = firm.device()
    ticket = firm.ticket(device)
    assert firm.report(device).ticket.ticket_id == ticket.ticket_id


def test_after_the_ticket_has_ended_a_report_opens_a_new_one(firm: Firm) -> None:
    device = firm.device()
    first = firm.report(device).ticket
    with firm.api() as conn:
        desk.move(
            conn,
            ticket_id=first.ticket_id,
            to=TicketState.CANCELLED,
            actor="staff:desk",
            reason="it was the plug",
            expected_version=1,
            now=firm.now,
        )
    again = firm.report(device)
    assert (again.joined, again.ticket.number) == (False, "T-000002")


def test_a_report_on_a_device_with_an_open_question_is_the_yes(firm: Firm) -> None:
    device = firm.device()
    question = firm.question(device)
    submitted = firm.report(device)
    (answered,) = firm.questions()
    assert (answered.state, answered.answered_by) == (QuestionState.YES, "label:fridge-1")
    assert (submitted.joined, submitted.ticket.family) == (False, "compressor")
    assert submitted.ticket.snapshot_id is not None
    assert firm.alerts()[0].engagement is Engagement.CONFIRMED
    assert witnesses(firm, submitted.ticket)[0].steps[-1].code == "ANSWERS_QUESTION"
    assert firm.answer(question).ticket == submitted.ticket


def test_a_report_after_a_question_has_ended_is_a_report(firm: Firm) -> None:
    device = firm.device()
    firm.question(device)
    firm.forward(hours=49)
    submitted = firm.report(device)
    assert (submitted.ticket.family, submitted.joined) == (UNSPECIFIED, False)
    assert firm.questions()[0].state is QuestionState.EXPIRED


def test_a_ticket_shows_its_first_report_and_the_newest_however_many_there_are(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "NEWEST", 3)
    device = firm.device()
    ticket = firm.report(device, "0").ticket
    for words in "12":
        firm.report(device, words)
    assert [witness.words for witness in witnesses(firm, ticket)] == ["0", "1", "2"]
    for words in "3456":
        firm.report(device, words)
    assert [witness.words for witness in witnesses(firm, ticket)] == ["0", "4", "5", "6"]


def test_two_first_reports_at_once_give_one_ticket_and_two_witnesses(firm: Firm) -> None:
    device = firm.device()
    submitted = at_once(lambda: firm.report(device), lambda: firm.report(device))
    assert all(isinstance(one, Submitted) for one in submitted), submitted
    assert sorted(one.joined for one in submitted) == [False, True]  # type: ignore[attr-defined]
    assert (len(firm.tickets()), firm.count("report")) == (1, 2)


def test_a_report_and_a_yes_at_once_give_one_ticket(firm: Firm) -> None:
    device = firm.device()
    question = firm.question(device)
    results = at_once(lambda: firm.report(device), lambda: firm.answer(question))
    assert not [result for result in results if isinstance(result, Exception)]
    assert (len(firm.tickets()), firm.count("report"), firm.count("snapshot")) == (1, 1, 1)


def test_a_report_that_says_nothing_is_refused_and_leaves_the_question_open(firm: Firm) -> None:
    device = firm.device()
    firm.question(device)
    with pytest.raises(ReportRefusedError) as refused:
        firm.report(device, " \x00\n ")
    assert refused.value.codes == ("EMPTY",)
    assert firm.questions()[0].state is QuestionState.OPEN


def test_a_device_is_reported_twelve_times_an_hour_and_no_more(firm: Firm) -> None:
    device, other = firm.device(), firm.device("fridge-2")
    for number in range(12):
        firm.report(device, f"it leaks, {number}")
    with pytest.raises(ReportRefusedError) as refused:
        firm.report(device, "it leaks")
    assert refused.value.codes == ("TOO_MANY",)
    firm.report(other, "it leaks")
    firm.now += timedelta(hours=1, seconds=1)
    assert firm.report(device, "it still leaks").joined


def test_a_photo_alone_says_enough(firm: Firm) -> None:
    submitted = firm.report(firm.device(), "", photo=a_photo())
    assert [step.code for step in witnesses(firm, submitted.ticket)[0].steps][3] == "PHOTO_ONLY"


def test_words_are_kept_whatever_they_are_made_of(firm: Firm) -> None:
    submitted = firm.report(firm.device(), "漏水\x00 \ud800 it leaks" + "!" * MAX_WORDS, contact="\x00ann")
    (witness,) = witnesses(firm, submitted.ticket)
    assert witness.words.startswith("漏水 ? it leaks!")
    assert (len(witness.words), witness.contact) == (MAX_WORDS, "ann")


def test_another_serial_and_no_owner_are_warnings_that_the_desk_sees(firm: Firm) -> None:
    submitted = firm.report(firm.device(owner=False), serial="s-other")
    steps = {step.step: step for step in witnesses(firm, submitted.ticket)[0].steps}
    assert (steps["identity"].code, steps["asset"].code) == ("NO_OWNER", "SERIAL_DIFFERS")
    assert {steps["identity"].outcome, steps["asset"].outcome} == {Outcome.WARN}
