"""What happened to a ticket or was done to a device, in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from api.texts import say, speaks
from ledger import outbox
from ledger.model import Event
from ticketing.intake.model import Outcome, Witness
from ticketing.tickets.model import Ticket, TicketState

MOST_LINES, LATEST = 200, 20


@dataclass(frozen=True, kw_only=True)
class Line:
    at: datetime
    word: str
    actor: str


def told(conn: Connection[Any], ticket: Ticket, language: str) -> list[Line]:
    lines = outbox.history(conn, str(ticket.ticket_id), limit=MOST_LINES)
    return [Line(at=line.at, word=word(language, _kind(line)), actor=_actor(language, line)) for line in lines]


def latest(conn: Connection[Any], subject_id: str, language: str) -> list[Line]:
    """What was done to something last, and by whom."""
    found = outbox.latest(conn, subject_id, limit=LATEST)
    return [Line(at=line.at, word=word(language, line.kind), actor=who(language, line.actor)) for line in found]


def warnings(witness: Witness, language: str) -> list[str]:
    """What the gate took in all the same, and somebody should know before he drives there."""
    return [say(language, f"warning.{each.code}") for each in witness.steps if each.outcome is Outcome.WARN]


def word(language: str, kind: str) -> str:
    """A kind that nobody has put into words yet is shown as it is."""
    key = f"event.{kind}"
    return say(language, key) if speaks(language, key) else kind


def _kind(line: Event) -> str:
    """Back in progress because the customer said so is another story than an engineer who arrives."""
    back = line.kind == "ticket.in_progress" and line.data.get("from") == TicketState.PENDING_CONFIRMATION
    return "ticket.not_yet" if back else line.kind


def _actor(language: str, line: Event) -> str:
    """Who did it; what the house decided by itself was only set off by whoever acted."""
    return who(language, "relay" if line.kind == "ticket.proposed" else line.actor)


def who(language: str, actor: str) -> str:
    """An actor such as `staff:desk`, in words."""
    kind = actor.partition(":")[0]
    key = f"actor.{kind}"
    return say(language, key) if speaks(language, key) else kind
