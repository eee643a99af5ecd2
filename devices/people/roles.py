"""A person's part in a household, and whether a link that was made for somebody still opens."""

from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    OWNER = "OWNER"
    MEMBER = "MEMBER"


def opens(*, minted_at: datetime, resold_at: datetime | None, named: bool, role: Role | None) -> bool:
    """A link dies with the ownership in which it was made, whoever holds it; one that names a person (`named`) also
    when that person has no part in the household any more. `resold_at`: when an owner last lost the device."""
    if resold_at is not None and minted_at <= resold_at:
        return False
    return role is not None or not named
