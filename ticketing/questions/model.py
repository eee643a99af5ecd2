"""Words of the questions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from ticketing.tickets.model import Ticket


class Choice(StrEnum):
    YES = "YES"
    NO = "NO"
    NOT_NOW = "NOT_NOW"


class NoReason(StrEnum):
    FALSE_ALARM = "FALSE_ALARM"
    ALREADY_FIXED = "ALREADY_FIXED"
    NOT_MINE = "NOT_MINE"


class QuestionState(StrEnum):
    OPEN = "OPEN"
    YES = "YES"
    NO = "NO"
    NOT_NOW = "NOT_NOW"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What one customer is asked about one alert. `version` is what an answer must have seen."""

    question_id: UUID
    tenant_id: str
    alert_id: UUID
    device_no: int
    device_id: str
    family: str
    customer_id: UUID
    version: int
    state: QuestionState
    reason: NoReason | None
    asked_at: datetime
    expires_at: datetime
    answered_at: datetime | None
    answered_by: str | None
    ticket_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class Answered:
    """`first` is False when somebody had answered before, or nobody may any more: `question` says what holds."""

    question: Question
    ticket: Ticket | None
    first: bool
