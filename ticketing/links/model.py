"""Words of the links."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

TOLD_FOR = timedelta(days=14)  # a question's link outlives it: who reads late is told what became of it

APPLIANCE_FOR = timedelta(days=365)  # its owner's own page


class Purpose(StrEnum):
    QUESTION = "question"  # /q/
    TICKET = "ticket"  # /t/
    APPLIANCE = "appliance"  # /m/


@dataclass(frozen=True, kw_only=True)
class Link:
    tenant_id: str
    subject_id: str
    recipient: str  # `customer:{uuid}`
    minted_at: datetime
