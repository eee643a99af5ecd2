"""Words of the questions."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from ticketing.alerts.model import Condition, Engagement
from ticketing.model import Severity
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


@dataclass(frozen=True, kw_only=True)
class AskPolicy:
    """When customers may be asked. Quiet hours are the customer's local time and hold below critical."""

    quiet: tuple[time, time] | None = None  # e.g. 22:00 to 08:00; off until tenants have settings of their own
    open_for: timedelta = timedelta(hours=48)


class Verdict(StrEnum):
    ASK = "ASK"
    HOLD = "HOLD"  # look again at `look_at`
    NO = "NO"  # nothing to ask about
    JOIN = "JOIN"  # a ticket is open: it gets the evidence
    WITHDRAW = "WITHDRAW"  # it cleared while the customer was being asked
    NOTE = "NOTE"  # it cleared after the ticket


class Code(StrEnum):
    """Why the gate said so; the words for people are in the texts."""

    CLEARED = "CLEARED"
    ENGAGED = "ENGAGED"
    KEEP_TIME = "KEEP_TIME"  # a recording at its own time: nobody can act on the past
    BEHIND = "BEHIND"  # the record has not caught up with the device
    GONE_QUIET = "GONE_QUIET"  # the newest reading is more than a day old
    TICKET_OPEN = "TICKET_OPEN"
    REPAIRED = "REPAIRED"  # its ticket ended only lately
    SHELVED = "SHELVED"
    QUESTION_OPEN = "QUESTION_OPEN"
    BUDGET = "BUDGET"
    QUIET_HOURS = "QUIET_HOURS"
    NO_CUSTOMER = "NO_CUSTOMER"
    OUT_OF_SERVICE = "OUT_OF_SERVICE"  # retired or replaced: what it says is kept, nobody is asked
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the gate decides by."""

    condition: Condition
    engagement: Engagement
    severity: Severity
    ticket_id: UUID | None = None  # the ticket that the alert led to
    ticket_ended_at: datetime | None = None  # and when it ended
    newest_at: datetime | None  # device time of the newest reading
    received_at: datetime | None  # when the newest reading came
    keep_time: bool = False
    open_ticket_id: UUID | None = None  # open for device and family
    shelved_until: datetime | None = None
    question_open: bool = False  # about device and family
    last_asked_at: datetime | None = None  # about this device, whatever came of it
    time_zone: str | None  # the customer's; None: nobody owns the device
    in_service: bool = True


@dataclass(frozen=True, kw_only=True)
class Decision:
    verdict: Verdict
    codes: tuple[Code, ...] = field(default=())
    look_at: datetime | None = None
