"""Words that all of ticketing shares."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

UNSPECIFIED = "unspecified"  # the fault family of a report that nobody has classified


class Severity(StrEnum):
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True)
class Symptom:
    """A finding, reduced to what everybody behind the door needs: device, fault family, severity, evidence.

    Times are the device's. `observed` and `expected` are in the unit that `evidence["unit"]` names.
    """

    tenant_id: str
    device_no: int
    rule: str
    family: str
    severity: Severity
    metric: str
    observed: float
    expected: float
    since: datetime
    at: datetime
    evidence: dict[str, Any] = field(default_factory=dict)
