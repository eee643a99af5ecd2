"""Words of the alerts: two axes, never one enum."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from detectors.model import Claim
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
    FAILED = "FAILED"  # the gate itself failed on it; `waits_for` says how


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


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A finding that nobody took yet, with the class of its device. Times are the device's."""

    finding_no: int
    tenant_id: str
    class_id: str
    device_no: int
    rule: str
    claim: Claim
    metric: str
    observed: float
    expected: float
    since: datetime
    at: datetime
    evidence: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A finding that could not be taken."""

    finding_no: int
    device_id: str
    rule: str
    claim: str
    at: datetime
    set_aside: str
