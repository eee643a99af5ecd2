"""Words of the links."""

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    QUESTION = "question"  # /q/
    TICKET = "ticket"  # /t/


@dataclass(frozen=True, kw_only=True)
class Link:
    tenant_id: str
    subject_id: str
    recipient: str  # `customer:{uuid}`
