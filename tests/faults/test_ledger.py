"""Whatever fails under load: acknowledged = committed + refused, and nothing is twice. `python -m benchmarks.faults`
does the same for a person."""

from collections.abc import Iterator

import pytest

from api.bench import house as bench
from api.bench.house import House
from benchmarks.faults import disks, table
from benchmarks.faults.trial import DEVICES, FLUSHED
from tests.conftest import need
from tests.faults.crew import LONG

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def trial() -> Iterator[House]:
    """Engines and a fleet of this module's own."""
    with bench.house() as ours:
        ours.register(DEVICES + FLUSHED)
        yield ours


@pytest.mark.parametrize("fault", table.FAULTS)
def test_the_ledger_balances_and_every_promise_holds(fault: str, trial: House) -> None:
    need(not table.FAULTS[fault].mounts or disks.can_mount(), "a small disk cannot be mounted here; root can")
    row = table.run(fault, trial, print, long=LONG)
    print(row)
    assert row.broken == []
    assert row.balance.balanced
