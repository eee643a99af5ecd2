"""How long a link opens for each of a household."""

from datetime import UTC, datetime, timedelta

import pytest

from devices.people.roles import Role, opens

SOLD = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("minted_at", "named", "role", "expected"),
    [
        (SOLD - HOUR, True, Role.OWNER, False),  # he bought it back: what was sent before the sale stays dead
        (SOLD - HOUR, False, None, False),  # whoever scanned the label then
        (SOLD, False, None, False),
        (SOLD + HOUR, False, None, True),
        (SOLD + HOUR, True, Role.OWNER, True),
        (SOLD + HOUR, True, Role.MEMBER, True),
        (SOLD + HOUR, True, None, False),  # made for the old owner after the sale
    ],
)
def test_a_link_dies_with_the_ownership_in_which_it_was_made(
    minted_at: datetime, role: Role | None, *, named: bool, expected: bool
) -> None:
    assert opens(minted_at=minted_at, resold_at=SOLD, named=named, role=role) is expected


def test_where_nothing_was_sold_a_link_opens_for_whom_it_was_made() -> None:
    assert opens(minted_at=SOLD, resold_at=None, named=True, role=Role.OWNER)
    assert opens(minted_at=SOLD, resold_at=None, named=False, role=None)
    assert not opens(minted_at=SOLD, resold_at=None, named=True, role=None)
