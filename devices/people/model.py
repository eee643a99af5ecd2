"""Words of the people."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from devices.people.roles import Role


@dataclass(frozen=True, kw_only=True)
class Member:
    """A person of a household; `since` is None for the one it is named by."""

    customer_id: UUID
    name: str
    role: Role
    since: datetime | None
