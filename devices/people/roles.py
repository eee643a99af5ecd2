"""What a person of a household may do, and whether a link that was made for somebody still opens."""

from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    OWNER = "OWNER"
    MEMBER = "MEMBER"


class Act(StrEnum):
    SEE = "SEE"  # the device, its curves, its tickets
    REPORT = "REPORT"
    ANSWER = "ANSWER"  # a question about it
    CONFIRM = "CONFIRM"  # that a repair is done
    ORDER = "ORDER"  # a visit that costs money
    INVITE = "INVITE"  # another person into the household
    RESELL = "RESELL"


_MEMBERS = frozenset({Act.SEE, Act.REPORT, Act.ANSWER, Act.CONFIRM})


def may(role: Role | None, act: Act) -> bool:
    """None: no part in the household."""
    return role is Role.OWNER or (role is Role.MEMBER and act in _MEMBERS)


def opens(*, minted_at: datetime, resold_at: datetime | None, named: bool, role: Role | None) -> bool:
    """A link dies with the ownership in which it was made, whoever holds it; one that names a person (`named`) also
    when that person has no part in the household any more. `resold_at`: when an owner last lost the device."""
    if resold_at is not None and minted_at <= resold_at:
        return False
    return may(role, Act.SEE) if named else True
