"""Words of the detectors: a finding is a claim about a device, with its evidence."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Claim(StrEnum):
    RAISED = "RAISED"
    CLEARED = "CLEARED"
    SWITCHED_OFF = "SWITCHED_OFF"  # the detector failed on this device and no longer looks at it


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Times are event time (the device's), in epoch ms.

    `observed` and `expected` are in the unit that `evidence["unit"]` names (`°C`, `min`, ...).
    """

    device_no: int
    rule: str  # `level:cabinet_temp_c`, `on_time:power_w`
    claim: Claim
    metric: str
    observed: float
    expected: float
    since_ms: int  # since when it holds, not when we noticed
    at_ms: int  # the reading that decided
    seq: int  # the log sequence of that reading
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a worker remembered when the cursor stood at `seq`; readable by code of the same fingerprint alone."""

    seq: int
    fingerprint: str
    memory: bytes
