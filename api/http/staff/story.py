"""What happened to a ticket, in order, in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from api.texts import say, speaks
from ledger import outbox
from ticketing.tickets.model import Ticket

MOST_LINES = 200


@dataclass(frozen=True, kw_only=True)
class Line:
    at: datetime
    word: str
    actor: str


def told(conn: Connection[Any], ticket: Ticket, language: str) -> list[Line]:
    lines = outbox.history(conn, str(ticket.ticket_id), limit=MOST_LINES)
    return [Line(at=line.at, word=_word(language, line.kind), actor=line.actor.partition(":")[0]) for line in lines]


def _word(language: str, kind: str) -> str:
    """A kind that nobody has put into words yet is shown as it is."""
    key = f"event.{kind}"
    return say(language, key) if speaks(language, key) else kind
