"""A ticket gets its proposal: who could go, in order, with the reasons kept beside it."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from devices.model import Catalogue, Device
from ledger.ids import uuid7
from ticketing.dispatch import score, store
from ticketing.dispatch.model import Proposal
from ticketing.notify.tell import tell
from ticketing.tickets import store as tickets
from ticketing.tickets.model import Ticket


def propose(
    conn: Connection[Any], ticket: Ticket, device: Device, *, catalogue: Catalogue, actor: str, now: datetime
) -> Proposal:
    need = score.need_of(catalogue[device.class_id], ticket.family, ticket.severity, device.region)
    standings = store.standings(conn, ticket.tenant_id, ticket.device_no, ticket.ticket_id)
    ranking = score.propose(need, standings)
    proposal = Proposal(proposal_id=uuid7(now), ticket_id=ticket.ticket_id, at=now, ranking=ranking)
    store.insert_proposal(conn, ticket.tenant_id, proposal)
    head = ranking.ranked[0] if ranking.ranked else None
    tickets.set_proposed(conn, ticket.ticket_id, head.engineer_id if head else None)
    tell(
        conn,
        "ticket.proposed",
        tenant_id=ticket.tenant_id,
        subject_id=ticket.ticket_id,
        actor=actor,
        now=now,
        data={"number": ticket.number, "engineer": head.slug if head else None, "left_out": len(ranking.left_out)},
    )
    return proposal
