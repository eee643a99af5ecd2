"""A device, the broker, a worker and a relay: what is desired arrives, and what is told is done once or not at all."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb
from pydantic import SecretStr

from api.relay.meters import RelayMeters
from api.relay.twins import Telling
from devices import catalogue
from devices.twin.journal import MOST_REPORTS_A_DAY
from ledger.ids import before
from simulators.obedient import FIRMWARE, a_memory
from tests.ingest.house import House
from tests.ingest.record import register
from tests.processes import wait_for
from tests.twin.conftest import Desk, a_device, at_work

pytestmark = pytest.mark.engines


def a_teller(house: House, **otherwise: Any) -> Telling:
    return Telling(house.settings.model_copy(update=otherwise), catalogue.load(), RelayMeters())


def is_away(house: House, since: str = "now()") -> None:
    """As a worker notices it after its patience."""
    with house.database.connect() as conn:
        conn.execute(
            "INSERT INTO presence (device_no, tenant_id, state, since) VALUES (%s, 'demo', 'OFFLINE', " + since + ")"
            " ON CONFLICT (device_no) DO UPDATE SET state = 'OFFLINE', since = excluded.since",
            [house.device_no],
        )


def was_here(house: House, devices: Mapping[str, bool] = MappingProxyType({"d1": True})) -> None:
    """And said that it leaves; by name, whether its session is clean."""
    for name, clean in devices.items():
        with a_device(house.nats.mqtt_port, clean=clean, name=name):
            pass
    wait_for(lambda: house.one("SELECT count(*) FROM presence WHERE state = 'OFFLINE'") == len(devices))


def says_in(house: House, kind: str, of: str = "%") -> list[str]:
    """`of`: the one command."""
    with house.database.connect() as conn:
        rows = conn.execute(
            "SELECT kind || ' ' || actor FROM event WHERE kind LIKE %s AND data::text LIKE %s ORDER BY event_id",
            [f"{kind}.%", f"%{of}%"],
        )
        return [said for (said,) in rows]


def test_what_is_desired_arrives_now_or_when_the_device_comes_and_it_says_so(house: House, desk: Desk) -> None:
    memory = a_memory(set_point_c=(3, 7))
    with at_work(house):
        desk.desires(set_point_c=4, sampling_period_s=30)
        wait_for(lambda: desk.twin()["says"] == 1)
        with a_device(house.nats.mqtt_port, memory):  # it was not there when that was said
            wait_for(lambda: desk.twin()["lag"] == 0 and desk.twin()["reported_version"] == 1)
            assert memory.state == {"set_point_c": 4, "sampling_period_s": 30}
            desk.desires(set_point_c=2)
            wait_for(lambda: desk.twin()["reported_version"] == 2)
            twin = desk.twin()
            assert twin["differences"] == [{"setting": "set_point_c", "desired": 2, "reported": 3}]
            assert (twin["firmware"], twin["say_at"], twin["reported"]["sampling_period_s"]) == (FIRMWARE, None, 30)
        for version in (3, 4, 5):
            desk.desires(set_point_c=version)
        wait_for(lambda: desk.twin()["says"] == 1)
    with a_device(house.nats.mqtt_port, memory) as back:  # nobody says it again meanwhile
        wait_for(lambda: memory.version == 5)
        assert [body["version"] for kind, body in back.heard if kind == "desired"] == [5]
        with at_work(house):
            wait_for(lambda: desk.twin()["reported_version"] == 5)
    assert says_in(house, "twin").count("twin.desired staff:desk") == 5
    assert set(says_in(house, "twin")) == {"twin.desired staff:desk", "twin.reported device:d1"}
    assert house.refusals() == []


def test_a_command_that_is_told_is_done_once_and_answered(house: House, desk: Desk) -> None:
    with at_work(house), a_device(house.nats.mqtt_port) as device:
        ping, unknown = desk.sends(minutes=20), desk.sends("fly")
        wait_for(lambda: {each["state"] for each in desk.commands()} == {"SUCCEEDED", "FAILED"})
        assert (desk.command(ping)["result"], desk.command(ping)["sends"]) == ({"minutes": 20}, 1)
        assert desk.command(unknown)["error"] == "no command fly"
        assert [body["id"] for kind, body in device.heard if kind == "command"] == [ping, unknown]  # in their order
        house.publish({"id": ping, "ok": False, "error": "again"}, kind="result")  # and what is said twice counts once
        house.caught_up()
        wait_for(lambda: house.one("SELECT count(*) FROM device_answer") == 0)
    assert desk.command(ping)["state"] == "SUCCEEDED"
    for command, became in ((ping, "succeeded"), (unknown, "failed")):
        assert says_in(house, "command", command) == [
            "command.queued staff:desk",
            "command.sent relay:twins",
            f"command.{became} device:d1",
        ]


def test_a_device_that_is_back_before_it_expires_is_told_once_and_afterwards_never(house: House, desk: Desk) -> None:
    """Also by a session that the broker has kept meanwhile: nobody keeps a command on the way."""
    with house.database.connect() as conn:
        register(conn, ("demo", "d2", "refrigerator"))
    clean = {"d1": True, "d2": False}
    memories = {name: a_memory() for name in clean}
    with at_work(house):
        was_here(house, clean)
        holds = {name: desk.sends(n=1, to=name) for name in clean}
        over = {name: desk.sends(n=2, expires_s=1, to=name) for name in clean}
        wait_for(lambda: {desk.command(over[name], name)["state"] for name in clean} == {"EXPIRED"})
        assert {desk.command(holds[name], name)["state"] for name in clean} == {"QUEUED"}
        with ExitStack() as stack:
            back = {
                name: stack.enter_context(a_device(house.nats.mqtt_port, memories[name], clean=clean[name], name=name))
                for name in clean
            }
            wait_for(lambda: {desk.command(holds[name], name)["state"] for name in clean} == {"SUCCEEDED"})
            for name in clean:
                assert [body["id"] for kind, body in back[name].heard if kind == "command"] == [holds[name]]
    assert {name: list(memory.done) for name, memory in memories.items()} == {name: [holds[name]] for name in clean}
    assert [desk.command(over[name], name)["sends"] for name in clean] == [0, 0]


def test_a_late_result_is_noted_as_such_and_a_strangers_is_refused(house: House, desk: Desk) -> None:
    with at_work(house):
        was_here(house)
        over, cancelled = desk.sends(expires_s=1), desk.sends("defrost")
        assert desk.client.delete(f"/api/devices/d1/commands/{cancelled}").json()["state"] == "CANCELLED"
        wait_for(lambda: desk.command(over)["state"] == "EXPIRED")
        house.publish({"id": over, "ok": True, "result": 1}, {"id": cancelled, "ok": False}, kind="result")
        wait_for(lambda: desk.command(cancelled)["late"])
        house.publish({"id": str(uuid4()), "ok": True}, {"id": "x", "ok": True}, kind="result")
        house.publish({"state": {"a": {}}}, kind="reported")
        wait_for(lambda: len(house.refusals()) == 3)
    assert (desk.command(over)["state"], desk.command(over)["late"]["result"]) == ("EXPIRED", 1)
    assert house.refusals() == ["UNKNOWN_COMMAND", "NOT_A_RESULT", "NOT_REPORTED"]


def test_a_relay_that_dies_after_it_said_and_before_it_noted_says_it_again_and_the_device_does_it_once(
    house: House, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that dies before it said anything has lost nothing: it is in the record."""
    command = desk.sends()
    desk.desires(sampling_period_s=30)
    with a_device(house.nats.mqtt_port) as device, house.database.connect("foremend_relay") as conn:
        with monkeypatch.context() as patched:
            dies = _dies
            patched.setattr("api.relay.twins.orders.sent", dies)
            patched.setattr("api.relay.twins.store.note_said", dies)
            with closing(a_teller(house)) as telling:
                for turn in (telling.send_commands, telling.say_desired):
                    with pytest.raises(KeyboardInterrupt):
                        turn(conn)
        wait_for(lambda: [kind for kind, _ in device.heard].count("command") == 1 and device.memory.version == 1)
        assert desk.command(command)["state"] == "QUEUED"
        with house.database.connect() as owner:
            owner.execute("UPDATE command SET send_at = now()")  # the lease is over
            owner.execute("UPDATE twin SET say_at = now()")
        with at_work(house):
            wait_for(lambda: desk.command(command)["state"] == "SUCCEEDED" and desk.twin()["lag"] == 0)
        assert list(device.memory.done) == [command]


def _dies(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_two_relays_share_the_work(house: House, desk: Desk) -> None:
    desk.sends()
    desk.desires(sampling_period_s=30)
    with a_device(house.nats.mqtt_port) as device:
        turns = []
        for _ in range(2):
            with house.database.connect("foremend_relay") as conn, closing(a_teller(house)) as telling:
                turns.append((telling.send_commands(conn), telling.say_desired(conn)))
        wait_for(lambda: len(device.heard) >= 2)
        assert turns == [(1, 1), (0, 0)]


def test_what_no_door_takes_waits_and_says_why(house: House, desk: Desk) -> None:
    desk.desires(sampling_period_s=30)
    desk.sends()
    with house.database.connect("foremend_relay") as conn:
        with closing(a_teller(house, doors="127.0.0.1:1", nats_url=SecretStr("nats://127.0.0.1:1"))) as away:
            assert (away.say_desired(conn), away.send_commands(conn)) == (0, 0)
        twin = desk.twin()
        assert (twin["says"], twin["say_at"] is not None) == (0, True)
        assert twin["error"].startswith("127.0.0.1:1: ")
        conn.execute("UPDATE twin SET say_at = now()")
        with closing(a_teller(house)) as telling:
            assert telling.say_desired(conn) == 1
    assert (desk.twin()["says"], desk.twin()["error"]) == (1, None)


def test_what_a_device_does_not_answer_is_said_again_when_it_is_back(house: House, desk: Desk) -> None:
    """It may have been lost behind another broker, which has no receipt."""
    desk.desires(sampling_period_s=30)
    with (
        house.database.connect("foremend_relay") as conn,
        house.database.connect() as owner,
        closing(a_teller(house)) as telling,
    ):
        assert telling.say_desired(conn) == 1
        assert telling.say_desired(conn) == 0
        is_away(house)
        owner.execute("UPDATE twin SET say_at = now() - interval '1 s'")
        assert telling.say_desired(conn) == 0  # the broker has it for whoever comes
        owner.execute("UPDATE presence SET state = 'ONLINE', since = now()")
        assert telling.say_desired(conn) == 1
        assert telling.say_desired(conn) == 0


def test_an_answer_that_cannot_be_taken_is_set_aside_and_those_beside_it_are_not(house: House, desk: Desk) -> None:
    bodies = ['{"version": 1, "state": {"a": 1}}', '{"version": "odd"}', '{"state": {"a": 2, "b": 3}}']
    with house.database.connect() as owner:
        for seq, body in enumerate(bodies):
            owner.execute(
                "INSERT INTO device_answer (tenant_id, device_no, seq, received_at, about, body)"
                " VALUES ('demo', %s, %s, now(), 'reported', %s)",
                [house.device_no, seq, body],
            )
    with house.database.connect("foremend_relay") as conn, closing(a_teller(house)) as telling:
        assert (telling.take(conn), telling.take(conn)) == (3, 0)
    assert (desk.twin()["reported"], desk.twin()["reported_version"]) == ({"a": 2, "b": 3}, 1)
    assert house.one("SELECT count(*) FROM device_answer WHERE set_aside LIKE 'TypeError%'") == 1


def test_a_device_that_reports_without_end_does_not_fill_the_log_that_is_kept_for_ever(
    house: House, desk: Desk
) -> None:
    with (
        house.database.connect("foremend_relay") as conn,
        house.database.connect() as owner,
        closing(a_teller(house)) as telling,
    ):

        def reports(uptimes: range) -> None:
            for uptime in uptimes:
                owner.execute(
                    "INSERT INTO device_answer (tenant_id, device_no, seq, received_at, about, body)"
                    " VALUES ('demo', %s, 1, now(), 'reported', %s)",
                    [house.device_no, Jsonb({"state": {"up": uptime}})],
                )
                assert telling.take(conn) == 1

        reports(range(1, MOST_REPORTS_A_DAY + 6))
        lines = "SELECT count(*) FROM event WHERE kind = 'twin.reported'"
        assert house.one(lines) == MOST_REPORTS_A_DAY
        last = "SELECT data->'changed'->'up' FROM event WHERE kind = 'twin.reported' AND (data->'last_of_day')::boolean"
        assert house.one(last) == MOST_REPORTS_A_DAY
        assert desk.twin()["reported"] == {"up": MOST_REPORTS_A_DAY + 5}
        a_day_ago = before(datetime.now(UTC) - timedelta(days=1, minutes=1))
        owner.execute("ALTER TABLE event DISABLE TRIGGER event_append_only")
        owner.execute("UPDATE event SET event_id = %s WHERE (data->'last_of_day')::boolean", [a_day_ago])
        owner.execute("ALTER TABLE event ENABLE TRIGGER event_append_only")
        reports(range(100, 103))
        assert house.one(lines) == MOST_REPORTS_A_DAY + 1


def test_a_door_that_is_away_keeps_nobody_from_the_others(house: House, desk: Desk) -> None:
    desk.desires(sampling_period_s=30)
    both = f"127.0.0.1:1,127.0.0.1:{house.nats.mqtt_port}"
    with house.database.connect("foremend_relay") as conn, closing(a_teller(house, doors=both)) as telling:
        telling.say_desired(conn)
    assert (desk.twin()["says"], desk.twin()["error"][:14]) == (1, "127.0.0.1:1: [")
    with a_device(house.nats.mqtt_port) as device:
        wait_for(lambda: device.memory.version == 1)


def test_two_who_desire_at_once_do_not_overwrite_each_other(house: House, desk: Desk) -> None:
    with ThreadPoolExecutor(2) as threads:
        answers = threads.map(lambda value: desk.desires(0, sampling_period_s=value).status_code, (30, 40))
        assert sorted(answers) == [200, 412]
    assert desk.twin()["version"] == 1
