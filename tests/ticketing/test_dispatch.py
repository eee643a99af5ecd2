"""Who is proposed, and why: hard filters first, then minutes, and the same answer every time."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ticketing.builders import CLASSES, Firm, an_engineer
from ticketing.dispatch import score, store
from ticketing.dispatch.model import LeftOutReason, Need, Standing
from ticketing.model import UNSPECIFIED, Severity
from ticketing.tickets import desk
from ticketing.tickets.model import TicketState

NEED = Need(region="north", skill="refrigeration", severity=Severity.MAJOR)


def a_standing(slug: str, load: int = 0, visits_here: int = 0, **facts: Any) -> Standing:
    return Standing(engineer=an_engineer(slug, **facts), load=load, visits_here=visits_here)


@pytest.mark.parametrize(
    "worse",
    [
        {"regions": ("south", "north")},  # comes from farther away
        {"load": 1},
        {"level": 4},  # too good for this
        {"level": 1},  # not quite good enough
    ],
)
def test_two_engineers_who_differ_in_one_attribute_swap_places(worse: dict[str, Any]) -> None:
    ahead = score.propose(NEED, [a_standing("anna"), a_standing("berta", **worse)])
    behind = score.propose(NEED, [a_standing("anna", **worse), a_standing("berta")])
    assert [one.slug for one in ahead.ranked] == ["anna", "berta"]
    assert [one.slug for one in behind.ranked] == ["berta", "anna"]


def test_who_knows_the_device_goes_first() -> None:
    ranking = score.propose(NEED, [a_standing("anna"), a_standing("berta", visits_here=1)])
    assert [one.slug for one in ranking.ranked] == ["berta", "anna"]


@pytest.mark.parametrize(
    ("unfit", "reasons"),
    [
        ({"regions": ("south",)}, (LeftOutReason.REGION,)),
        ({"skills": ("plumbing",)}, (LeftOutReason.SKILL,)),
        ({"load": 5}, (LeftOutReason.LOAD,)),
        ({"load_cap": 0}, (LeftOutReason.LOAD,)),
        (
            {"regions": ("south",), "skills": (), "load": 9},
            (LeftOutReason.REGION, LeftOutReason.SKILL, LeftOutReason.LOAD),
        ),
    ],
)
def test_who_does_not_fit_is_left_out_and_it_is_said_why(
    unfit: dict[str, Any], reasons: tuple[LeftOutReason, ...]
) -> None:
    ranking = score.propose(NEED, [a_standing("anna", **unfit)])
    assert (ranking.ranked, ranking.left_out[0].slug, ranking.left_out[0].reasons) == ((), "anna", reasons)


def test_the_costs_add_up_and_are_shown() -> None:
    (one,) = score.propose(NEED, [a_standing("anna", load=2, visits_here=1, level=3)]).ranked
    assert {cost.term: cost.minutes for cost in one.costs} == {
        "travel": 20,
        "load": 120,
        "level": 15,
        "familiarity": -30,
    }
    assert one.minutes == 125


@given(st.permutations([a_standing(f"e{i}", load=i % 3) for i in range(6)]))
def test_the_order_of_asking_does_not_matter(standings: list[Standing]) -> None:
    ranking = score.propose(NEED, standings, limit=4)
    assert [one.slug for one in ranking.ranked] == ["e0", "e3", "e1", "e4"]


def test_what_nobody_has_classified_needs_whoever_mends_the_class() -> None:
    need = score.need_of(CLASSES["refrigerator"], UNSPECIFIED, Severity.MAJOR, "north")
    assert need == NEED


def test_open_tickets_weigh_on_the_next_proposal_until_the_cap(firm: Firm) -> None:
    anna, berta = firm.engineer("anna", load_cap=1), firm.engineer("berta", level=3, load_cap=1)
    tickets = [firm.report(firm.device(f"fridge-{i}")).ticket for i in range(3)]
    assert [ticket.proposed_id for ticket in tickets] == [anna, berta, None]
    with firm.api() as conn:
        proposal = store.proposal(conn, tickets[2].ticket_id)
    assert proposal is not None
    assert [(out.slug, out.reasons) for out in proposal.ranking.left_out] == [
        ("anna", (LeftOutReason.LOAD,)),
        ("berta", (LeftOutReason.LOAD,)),
    ]


def test_a_proposal_is_kept_as_it_was(firm: Firm) -> None:
    firm.engineer("anna")
    firm.engineer("berta", skills=())
    ticket = firm.report(firm.device()).ticket
    with firm.api() as conn:
        before = store.proposal(conn, ticket.ticket_id)
    firm.engineer("anna", regions=("south",))
    with firm.api() as conn:
        assert store.proposal(conn, ticket.ticket_id) == before
    assert before is not None
    assert [one.slug for one in before.ranking.ranked] == ["anna"]
    assert [out.slug for out in before.ranking.left_out] == ["berta"]


def test_who_repaired_a_device_is_known_to_have(firm: Firm) -> None:
    mei = firm.engineer("mei")
    device = firm.device()
    ticket = firm.report(device).ticket
    for version, to in enumerate(
        (TicketState.DISPATCHED, TicketState.IN_PROGRESS, TicketState.PENDING_CONFIRMATION, TicketState.RESOLVED), 1
    ):
        with firm.api() as conn:
            desk.move(
                conn,
                ticket_id=ticket.ticket_id,
                to=to,
                actor="engineer:mei",
                reason=None,
                expected_version=version,
                now=firm.now,
            )
    with firm.api() as conn:
        (standing,) = store.standings(conn, "demo", device.device_no, UUID(int=0))
    assert (standing.engineer.engineer_id, standing.load, standing.visits_here) == (mei, 0, 1)


def test_an_engineer_said_again_keeps_the_id(firm: Firm) -> None:
    first, again = firm.engineer("mei"), firm.engineer("mei", level=5)
    assert first == again
    with firm.api() as conn:
        (mei,) = store.engineers(conn, "demo")
        assert store.find_engineer(conn, first) == mei
    assert mei == replace(an_engineer("mei", level=5), engineer_id=first)
