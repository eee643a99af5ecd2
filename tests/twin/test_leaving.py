"""What was desired of a device and told it holds for whom it was wished, and no longer."""

from contextlib import closing

import pytest

from devices.twin import merge
from simulators.obedient import a_memory
from tests.ingest.house import House
from tests.processes import relaying, wait_for
from tests.twin.builders import NOW, a_twin
from tests.twin.conftest import Desk, a_device
from tests.twin.test_live import a_teller, says_in


def test_what_ends_is_newer_than_all_that_was_desired_and_what_never_was_stays() -> None:
    wished = a_twin(version=4, reported_version=6, desired={"set_point_c": 4})
    ended = merge.end(wished, by="staff:desk", now=NOW)
    assert (ended.version, ended.desired, ended.say_at, ended.lag) == (7, {}, NOW, 1)
    assert merge.end(a_twin(), by="staff:desk", now=NOW) == a_twin()


@pytest.mark.engines
def test_a_resold_device_is_told_that_its_old_owner_wishes_nothing_any_more(house: House, desk: Desk) -> None:
    memory = a_memory()
    desk.desires(set_point_c=4)
    with relaying(house.settings), a_device(house.nats.mqtt_port, memory) as device:
        wait_for(lambda: memory.version == 1)
        desk.moves("CLAIMED", customer=_customer(desk))
        unanswered = desk.sends("fly", expires_s=3600)
        desk.moves("RESOLD")
        assert (desk.twin()["desired"], desk.command(unanswered)["state"]) == ({}, "CANCELLED")
        wait_for(lambda: memory.version == 2)
        assert [body for kind, body in device.heard if kind == "desired"][-1] == {"version": 2, "state": {}}
    with a_device(house.nats.mqtt_port) as fresh:  # nothing of his waits at the broker either
        wait_for(lambda: fresh.heard)
        assert fresh.heard == [("desired", {"version": 2, "state": {}})]
    assert "command.cancelled staff:desk" in says_in(house, "command")


def _customer(desk: Desk) -> str:
    said = {"name": "Ann", "phone": "+49 30 1234567"}
    found: str = desk.client.post("/api/customers", json=said, headers={"Idempotency-Key": "ann"}).json()["customer_id"]
    return found


@pytest.mark.engines
def test_of_a_retired_device_the_brokers_keep_nothing_whichever_of_them_is_away(house: House, desk: Desk) -> None:
    desk.desires(set_point_c=4)
    with (
        house.database.connect("foremend_relay") as conn,
        house.database.connect() as owner,
        closing(a_teller(house)) as telling,
        closing(a_teller(house, doors=f"127.0.0.1:1,127.0.0.1:{house.nats.mqtt_port}")) as half,
    ):
        assert telling.say_desired(conn) == 1
        desk.moves("RETIRED")
        owner.execute("INSERT INTO presence (device_no, tenant_id, state, since) VALUES (1, 'demo', 'OFFLINE', now())")
        assert half.say_desired(conn) == 0
        owner.execute("UPDATE twin SET say_at = now()")
        assert (telling.say_desired(conn), telling.say_desired(conn)) == (1, 0)
    twin = desk.twin()
    assert (twin["lag"], twin["say_at"], twin["error"]) == (0, None, None)
    with a_device(house.nats.mqtt_port) as device:
        pass
    assert device.heard == [], "nor came anything before it had said that it leaves"
    assert desk.client.get("/api/devices/d1/twin").headers["ETag"] == '"2"'
    assert desk.desires(set_point_c=3).status_code == 409
    desk.moves("ACTIVE")
    assert desk.desires(set_point_c=3).json()["version"] == 3
