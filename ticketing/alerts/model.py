"""Words of the alerts: two axes, never one enum."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from ticketing.model import Severity


class Condition(StrEnum):
    ACTIVE = "ACTIVE"
    CLEARED = "CLEARED"


class Engagement(StrEnum):
    NONE = "NONE"
    ASKED = "ASKED"
    CONFIRMED = "CONFIRMED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    BYPASSED = "BYPASSED"
    WITHDRAWN = "WITHDRAWN"


class Review(StrEnum):
    """Why a person at the desk should look at an alert."""

    NO_CUSTOMER = "NO_CUSTOMER"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, kw_only=True)
class Alert:
    alert_id: UUID
    tenant_id: str
    device_no: int
    device_id: str
    rule: str
    family: str
    severity: Severity
    condition: Condition
    engagement: Engagement
    metric: str
    observed: float
    expected: float
    since: datetime  # event time
    raised_at: datetime  # wall time
    last_seen: datetime  # event time
    occurrences: int
    cleared_at: datetime | None  # event time
    evidence: dict[str, Any]
    ticket_id: UUID | None
    review: Review | None
    look_at: datetime | None  # when the asking gate decides next
    waits_for: str | None  # reason codes of its last decision, separated by spaces
