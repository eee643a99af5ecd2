"""Tickets move by one function, along one table; each move is a line of the log; numbers have no gaps."""

from typing import Any
from uuid import uuid4

import pytest

from tests.ticketing.builders import CLASSES, Firm, a_report, at_once
from ticketing.errors import AlreadyOpenError, IllegalTransitionError, NoEngineerError, NotFoundError, StaleVersionError
from ticketing.intake.report import submit
from ticketing.tickets import desk, store, transitions
from ticketing.tickets.model import Note, Ticket, TicketState, customer_step

S = TicketState
LEGAL = {
    (S.READY, S.DISPATCHED),
    (S.READY, S.CANCELLED),
    (S.DISPATCHED, S.IN_PROGRESS),
    (S.DISPATCHED, S.READY),
    (S.DISPATCHED, S.CANCELLED),
    (S.IN_PROGRESS, S.PENDING_CONFIRMATION),
    (S.IN_PROGRESS, S.READY),
    (S.PENDING_CONFIRMATION, S.RESOLVED),
    (S.PENDING_CONFIRMATION, S.READY),
    (S.PENDING_CONFIRMATION, S.IN_PROGRESS),
    (S.RESOLVED, S.READY),
}
WAY_TO = {
    S.READY: [],
    S.DISPATCHED: [S.DISPATCHED],
    S.IN_PROGRESS: [S.DISPATCHED, S.IN_PROGRESS],
    S.PENDING_CONFIRMATION: [S.DISPATCHED, S.IN_PROGRESS, S.PENDING_CONFIRMATION],
    S.RESOLVED: [S.DISPATCHED, S.IN_PROGRESS, S.PENDING_CONFIRMATION, S.RESOLVED],
    S.CANCELLED: [S.CANCELLED],
}


def move(firm: Firm, ticket: Ticket, to: TicketState, **more: Any) -> Ticket:
    said = {"actor": "engineer:mei", "reason": None, "expected_version": ticket.version, "now": firm.now}
    with firm.api() as conn:
        return desk.move(conn, ticket_id=ticket.ticket_id, to=to, **{**said, **more})


def a_ticket(firm: Firm, state: TicketState = S.READY, device_id: str = "fridge-1") -> Ticket:
    firm.engineer()
    ticket = firm.report(firm.device(device_id)).ticket
    for to in WAY_TO[state]:
        ticket = move(firm, ticket, to)
    return ticket


def test_the_table_of_moves_is_the_domains() -> None:
    assert {(state, to) for state, allowed in transitions.ALLOWED.items() for to in allowed} == LEGAL
    assert set(transitions.ALLOWED) == set(S)


@pytest.mark.parametrize("state", list(S))
def test_a_ticket_goes_only_where_the_table_lets_it_and_says_where_that_is(firm: Firm, state: TicketState) -> None:
    ticket = a_ticket(firm, state)
    for to in S:
        if (state, to) in LEGAL:
            continue
        with pytest.raises(IllegalTransitionError) as refused:
            move(firm, ticket, to)
        assert refused.value.allowed == transitions.ALLOWED[state]
    with firm.api() as conn:
        assert store.find(conn, ticket.ticket_id) == ticket


def test_each_move_is_a_line_of_the_log_with_actor_and_reason(firm: Firm) -> None:
    mei = firm.engineer()
    ticket = a_ticket(firm)
    taken = move(firm, ticket, S.DISPATCHED)
    assert (taken.version, taken.engineer_id) == (2, mei)
    back = move(firm, taken, S.READY, reason="no part\x00 on the van")
    assert (back.engineer_id, back.proposed_id) == (None, mei)
    event = firm.events(ticket.ticket_id)[-1]
    assert (event.kind, event.actor) == ("ticket.ready", "engineer:mei")
    assert (event.data["from"], event.data["to"], event.data["reason"]) == ("DISPATCHED", "READY", "no part on the van")


def test_another_engineer_than_the_proposed_one_may_accept(firm: Firm) -> None:
    firm.engineer("anna")
    berta = firm.engineer("berta", level=5)
    assert move(firm, a_ticket(firm), S.DISPATCHED, engineer_id=berta).engineer_id == berta


def test_a_ticket_is_not_accepted_by_nobody(firm: Firm) -> None:
    ticket = firm.report(firm.device()).ticket
    with pytest.raises(NoEngineerError):
        move(firm, ticket, S.DISPATCHED)
    assert firm.tickets() == [ticket]


def test_a_move_from_a_version_that_is_gone_is_refused(firm: Firm) -> None:
    ticket = a_ticket(firm)
    move(firm, ticket, S.DISPATCHED)
    with pytest.raises(StaleVersionError) as refused:
        move(firm, ticket, S.CANCELLED)
    assert (refused.value.seen, refused.value.current) == (1, 2)


def test_of_two_moves_at_once_one_is_refused(firm: Firm) -> None:
    ticket = a_ticket(firm)
    results = at_once(lambda: move(firm, ticket, S.DISPATCHED), lambda: move(firm, ticket, S.CANCELLED))
    assert sorted(type(result).__name__ for result in results) == ["StaleVersionError", "Ticket"]
    assert firm.tickets()[0].version == 2


def test_a_ticket_that_is_not_there_cannot_be_moved(firm: Firm) -> None:
    with firm.api() as conn, pytest.raises(NotFoundError):
        desk.move(conn, ticket_id=uuid4(), to=S.READY, actor="x", reason=None, expected_version=1, now=firm.now)


def test_on_the_way_is_a_note_of_a_dispatched_ticket_that_the_customer_sees(firm: Firm) -> None:
    ticket = a_ticket(firm)
    with firm.api() as conn, pytest.raises(IllegalTransitionError):
        desk.note(conn, ticket.ticket_id, Note.EN_ROUTE, "engineer:mei", firm.now)
    move(firm, ticket, S.DISPATCHED)
    with firm.api() as conn:
        on_the_way = desk.note(conn, ticket.ticket_id, Note.EN_ROUTE, "engineer:mei", firm.now)
    assert (on_the_way.state, on_the_way.en_route, on_the_way.version) == (S.DISPATCHED, True, 3)
    assert customer_step(on_the_way.state, on_the_way.en_route) == 3
    assert firm.kinds(ticket.ticket_id)[-1] == "visit.en_route"
    on_site = move(firm, on_the_way, S.IN_PROGRESS)
    assert on_site.en_route is False


def test_the_customer_sees_five_steps() -> None:
    steps = [
        customer_step(state, en_route)
        for state, en_route in (
            (S.READY, False),
            (S.DISPATCHED, False),
            (S.DISPATCHED, True),
            (S.IN_PROGRESS, False),
            (S.PENDING_CONFIRMATION, False),
            (S.RESOLVED, False),
        )
    ]
    assert steps == [1, 2, 3, 4, 4, 5]


def test_a_reopened_ticket_is_counted(firm: Firm) -> None:
    ticket = move(firm, a_ticket(firm, S.RESOLVED), S.READY)
    assert (ticket.state, ticket.reopened, ticket.engineer_id) == (S.READY, 1, None)


def test_a_reopened_ticket_may_not_double_the_one_that_followed_it(firm: Firm) -> None:
    first = a_ticket(firm, S.RESOLVED)
    second = a_ticket(firm)
    assert second.ticket_id != first.ticket_id  # a later recurrence is a new ticket
    with pytest.raises(AlreadyOpenError) as refused:
        move(firm, first, S.READY)
    assert refused.value.number == second.number


def test_numbers_have_no_gaps_though_some_fail_and_many_come_at_once(firm: Firm) -> None:
    devices = [firm.device(f"fridge-{i}") for i in range(6)]

    def fails() -> None:
        with firm.api() as conn:
            submit(conn, a_report(devices[0]), now=firm.now, catalogue=CLASSES)
            raise RuntimeError

    at_once(fails, *(lambda device=device: firm.report(device) for device in devices[1:]))  # type: ignore[misc]
    firm.report(devices[0])
    assert sorted(ticket.number for ticket in firm.tickets()) == [f"T-{i:06d}" for i in range(1, 7)]


def test_a_ticket_is_found_by_the_number_that_is_read_out(firm: Firm) -> None:
    ticket = a_ticket(firm)
    with firm.api() as conn:
        assert store.find_by_number(conn, "demo", "T-000001") == ticket
        assert store.find_by_number(conn, "demo", "T-000002") is None
