"""Rows of engineers and proposals."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from devices import store as devices
from ledger.statements import Statements
from ticketing.dispatch.model import Candidate, Cost, Engineer, LeftOut, LeftOutReason, Proposal, Ranking, Standing

_sql = Statements("ticketing.dispatch")


def _engineer(row: dict[str, Any]) -> Engineer:
    return Engineer(**{**row, "regions": tuple(row["regions"]), "skills": tuple(row["skills"])})


def put_engineer(conn: Connection[Any], engineer: Engineer) -> UUID:
    """The id that holds: `engineer`'s own if the slug is new, else the one it had."""
    devices.settle_tenant(conn, engineer.tenant_id)
    names = {**asdict(engineer), "regions": list(engineer.regions), "skills": list(engineer.skills)}
    row = conn.execute(_sql.put_engineer, names).fetchone()
    assert row is not None
    engineer_id: UUID = row[0]
    return engineer_id


def engineers(conn: Connection[Any], tenant_id: str) -> list[Engineer]:
    with conn.cursor(row_factory=dict_row) as cur:
        return [_engineer(row) for row in cur.execute(_sql.list_engineers, {"tenant_id": tenant_id})]


def find_engineer(conn: Connection[Any], engineer_id: UUID) -> Engineer | None:
    with conn.cursor(row_factory=dict_row) as cur:
        row = cur.execute(_sql.find_engineer, {"engineer_id": engineer_id}).fetchone()
        return _engineer(row) if row else None


def standings(conn: Connection[Any], tenant_id: str, device_no: int, ticket_id: UUID) -> list[Standing]:
    names = {"tenant_id": tenant_id, "device_no": device_no, "ticket_id": ticket_id}
    with conn.cursor(row_factory=dict_row) as cur:
        return [
            Standing(load=row.pop("load"), visits_here=row.pop("visits_here"), engineer=_engineer(row))
            for row in cur.execute(_sql.list_standings, names)
        ]


def insert_proposal(conn: Connection[Any], tenant_id: str, proposal: Proposal) -> None:
    conn.execute(
        _sql.insert_proposal,
        {
            "proposal_id": proposal.proposal_id,
            "tenant_id": tenant_id,
            "ticket_id": proposal.ticket_id,
            "now": proposal.at,
            "ranked": Jsonb([_plain(candidate) for candidate in proposal.ranking.ranked]),
            "left_out": Jsonb([_plain(out) for out in proposal.ranking.left_out]),
        },
    )


def proposal(conn: Connection[Any], ticket_id: UUID) -> Proposal | None:
    with conn.cursor(row_factory=dict_row) as cur:
        row = cur.execute(_sql.find_proposal, {"ticket_id": ticket_id}).fetchone()
    if row is None:
        return None
    at: datetime = row["at"]
    ranking = Ranking(
        ranked=tuple(_candidate(entry) for entry in row["ranked"]),
        left_out=tuple(_left_out(entry) for entry in row["left_out"]),
    )
    return Proposal(proposal_id=row["proposal_id"], ticket_id=row["ticket_id"], at=at, ranking=ranking)


def _plain(entry: Candidate | LeftOut) -> dict[str, Any]:
    return {**asdict(entry), "engineer_id": str(entry.engineer_id)}


def _candidate(entry: dict[str, Any]) -> Candidate:
    costs = tuple(Cost(**cost) for cost in entry["costs"])
    return Candidate(**{**entry, "engineer_id": UUID(entry["engineer_id"]), "costs": costs})


def _left_out(entry: dict[str, Any]) -> LeftOut:
    reasons = tuple(LeftOutReason(reason) for reason in entry["reasons"])
    return LeftOut(**{**entry, "engineer_id": UUID(entry["engineer_id"]), "reasons": reasons})
