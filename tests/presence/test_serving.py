"""A claimed device that is heard is in service, and only such a one."""

from datetime import UTC, datetime
from typing import Any

from devices import catalogue, registry
from devices.registry import Owner, Registration
from ingest.presence.serving import ACTOR, activate_heard
from ledger import outbox, scope
from ledger.model import Scope
from tests.conftest import Database

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BY = Scope(tenant_id="demo", actor="staff:desk")


def test_whoever_was_claimed_and_is_heard_is_active_once_and_the_log_says_so(database: Database) -> None:
    with database.connect("foremend_api", autocommit=False) as conn:
        scope.enter(conn, BY)
        for name, owner in (("heard", "Ann"), ("silent", "Ann"), ("gone", "Ann"), ("nobodys", None)):
            facts: dict[str, Any] = {"class_id": "refrigerator", "model": "F", "serial": name}
            said = Registration(device_id=name, owner=Owner(name=owner) if owner else None, **facts)
            registry.register(conn, catalogue.load(), said, by=BY, now=NOW)
    with database.connect("foremend_worker") as conn:
        conn.execute(
            "INSERT INTO presence (device_no, tenant_id, state, since)"
            " SELECT device_no, tenant_id, CASE device_id WHEN 'gone' THEN 'OFFLINE' ELSE 'ONLINE' END, %s"
            " FROM device WHERE device_id <> 'silent'",
            [NOW],
        )
    with database.connect("foremend_relay") as conn:
        assert [activate_heard(conn, NOW), activate_heard(conn, NOW)] == [1, 0]
    with database.connect("foremend_api", autocommit=False) as conn:
        scope.enter(conn, BY)
        states = {each.device_id: (each.state.value, each.version) for each in registry.listed(conn, "demo")}
        last = outbox.history(conn, "heard")[-1]
    assert states == {
        "heard": ("ACTIVE", 2),
        "silent": ("CLAIMED", 1),
        "gone": ("CLAIMED", 1),
        "nobodys": ("MADE", 1),
    }
    assert (last.kind, last.actor) == ("device.activated", ACTOR)
