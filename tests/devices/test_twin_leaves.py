"""What somebody wishes of a device while it leaves, or is replaced."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from devices import catalogue
from devices.imports import run
from devices.imports.lines import Table
from devices.imports.model import Outcome
from devices.lifecycle import moves
from devices.twin import orders, store, wishes
from devices.twin.errors import GoneError
from ledger import scope
from tests.conftest import Database
from tests.devices.conftest import BY, CLASSES, NOW, Firm
from tests.processes import wait_for


def test_a_replaced_device_is_told_nothing_and_its_successor_keeps_its_own(firm: Firm) -> None:
    old, new = firm.device("fridge-1"), firm.device("fridge-2")
    fridge = catalogue.load()["refrigerator"]
    for device in (old, new):
        wishes.desire(firm.conn, device, fridge, {"set_point_c": 4}, expected=0, by=BY, now=NOW)
    moves.replace(firm.conn, old, new, by=BY, now=NOW)
    assert [dict(store.find_twin(firm.conn, "demo", each.device_no).desired) for each in (old, new)] == [
        {},
        {"set_point_c": 4},
    ]
    assert firm.kinds("fridge-1")[-2:] == ["device.replaced", "twin.desired"]


@pytest.mark.parametrize("wish", ["desire", "queue"])
def test_who_wishes_while_somebody_retires_the_device_takes_his_turn(database: Database, firm: Firm, wish: str) -> None:
    device = firm.device()
    firm.conn.commit()
    scope.enter(firm.conn, BY)
    moves.retire(firm.conn, device, by=BY, now=NOW)
    outcome: list[Any] = []

    def wishing() -> None:
        with database.connect("foremend_api", autocommit=False) as other:
            scope.enter(other, BY)
            try:
                if wish == "desire":
                    wishes.desire(
                        other, device, catalogue.load()["refrigerator"], {"set_point_c": 4}, expected=0, by=BY, now=NOW
                    )
                else:
                    later = NOW + orders.LONGEST
                    orders.queue(other, device, "ping", {}, expires_at=later, by=BY, now=NOW)
            except GoneError as refused:
                outcome.append(refused.state)

    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as threads:
        wishes_it = threads.submit(wishing)
        try:
            with database.connect() as owner:
                wait_for(lambda: wishes_it.done() or owner.execute(waits).fetchone() == (1,))
        finally:
            firm.conn.commit()
    wishes_it.result(0)
    assert outcome == ["RETIRED"]


def test_who_wishes_while_a_file_corrects_the_device_does_not_wait_for_the_file(database: Database, firm: Firm) -> None:
    device = firm.device()
    firm.conn.commit()
    scope.enter(firm.conn, BY)
    text = "id,class,model,serial,place\nfridge-1,refrigerator,F-200,fridge-1,elsewhere\n"
    *_, outcome = run.run(firm.conn, Table(text.encode()), CLASSES, by=BY, now=NOW)
    assert isinstance(outcome, Outcome)
    assert outcome.updated == 1
    with database.connect("foremend_api", autocommit=False, options="-c lock_timeout=1s") as other:
        scope.enter(other, BY)
        orders.queue(other, device, "ping", {}, expires_at=NOW + orders.LONGEST, by=BY, now=NOW)
