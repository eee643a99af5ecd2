"""Bad input on a real database: whatever a device sends, its bytes are stored as a refusal and its neighbours live."""

import re
from itertools import count
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.worker.batch import Intake
from ingest import refusals as refusal_room
from ingest.model import Message, Reason, RefusalFilter
from tests.conftest import Database
from tests.ingest.bad import METRIC, WHOLE, payloads, with_metric
from tests.ingest.builders import NOW_MS, a_message, a_reading

SUBJECT = "log.7.demo.d1.up.telemetry"


def refusals(database: Database) -> list[tuple[int, str, bytes]]:
    with database.connect() as conn:
        return conn.execute("SELECT seq, reason, payload FROM refusal ORDER BY seq, refusal_no").fetchall()


def one(database: Database, query: str) -> tuple[object, ...]:
    with database.connect() as conn:
        return conn.execute(query).fetchone() or ()


def test_every_reason_is_stored_with_its_bytes_and_listed(database: Database, intake: Intake) -> None:
    """All in one batch, a good reading after each."""
    bad = [*WHOLE, *((reason, with_metric(name, value)) for reason, name, value in METRIC)]
    messages = []
    for place, (_, payload) in enumerate(bad):
        messages.append(a_message(payload, seq=2 * place + 1))
        messages.append(a_message(a_reading(NOW_MS - 1 - place, power_w=1.0), seq=2 * place + 2))
    stranger = Message(len(messages) + 1, NOW_MS, "log.7.demo.d9.up.telemetry", b"{}")
    mood = Message(len(messages) + 2, NOW_MS, "log.7.demo.d1.up.mood", b"\x00")
    intake.take([*messages, stranger, mood])

    stored = refusals(database)
    expected = [*(reason for reason, _ in bad), Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_KIND]
    assert [reason for _, reason, _ in stored] == expected
    assert [payload for _, _, payload in stored][: len(WHOLE)] == [payload[:65_536] for _, payload in WHOLE]
    assert one(database, "SELECT count(*) FROM reading_refrigerator WHERE power_w = 1")[0] == len(bad)
    with database.connect("foremend_api", autocommit=False) as conn:
        conn.execute("SELECT set_config('app.tenant', 'demo', true)")
        listed = refusal_room.listed(conn, RefusalFilter(), limit=1000)
    assert [each.reason for each in reversed(listed)] == expected


def test_what_is_odd_but_no_fault_is_kept(database: Database, intake: Intake) -> None:
    said = {"cabinet_temp_c": 3000.5, "power_w": 9e18, "mode": "eco", "名": True, "rssi": -61}
    intake.take([a_message(a_reading(**said))])
    assert refusals(database) == []
    row = one(database, "SELECT cabinet_temp_c, power_w, flags, extra FROM reading_refrigerator")
    assert row == (3000.5, 9e18, 0b10001, {"mode": "eco", "名": True, "rssi": -61})


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_nothing_that_a_device_can_send_stops_the_worker(
    database: Database, intake: Intake, data: st.DataObject
) -> None:
    """Neither is it the database that has to notice."""
    sent = data.draw(st.lists(payloads, min_size=10, max_size=30))
    intake.take([Message(seq, NOW_MS, SUBJECT, payload) for seq, payload in zip(_seqs, sent, strict=False)])
    assert one(database, "SELECT count(*) FROM refusal WHERE reason = 'NOT_STORABLE'") == (0,)


_seqs = count(1)


@pytest.mark.parametrize("sqlstate", ["22003", "23514", "54000"])
def test_what_the_database_refuses_for_its_content_is_halved_down_to_one_refusal(
    database: Database, intake: Intake, sqlstate: str
) -> None:
    refuse_power_13(database, sqlstate)
    messages = [
        a_message(a_reading(NOW_MS - i * 1000, power_w=13.0 if i in (0, 40, 99) else 1.0), seq=i + 1)
        for i in range(100)
    ]
    intake.take(messages)
    assert [(seq, reason) for seq, reason, _ in refusals(database)] == [(i, "NOT_STORABLE") for i in (1, 41, 100)]
    assert one(database, "SELECT count(*), min(power_w), max(power_w) FROM reading_refrigerator") == (97, 1.0, 1.0)
    assert one(database, "SELECT cursor FROM partition") == (100,)
    assert (intake.counts.readings, intake.counts.refused.total(), intake.counts.messages) == (97, 3, 100)


@pytest.mark.parametrize("sqlstate", ["08006", "40001", "53100", "57014"])
def test_what_the_database_cannot_take_now_is_nobodys_fault(database: Database, intake: Intake, sqlstate: str) -> None:
    refuse_power_13(database, sqlstate)
    with pytest.raises(psycopg.OperationalError):
        intake.take([a_message(a_reading(power_w=13.0))])
    with database.connect() as conn:
        conn.execute("DROP TRIGGER refuse ON reading_refrigerator")
    intake.take([a_message(a_reading(power_w=13.0))])
    assert refusals(database) == []
    assert one(database, "SELECT count(*) FROM reading_refrigerator") == (1,)


def refuse_power_13(database: Database, sqlstate: str) -> None:
    with database.connect() as conn:
        conn.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END $$"
        )
        conn.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON reading_refrigerator FOR EACH ROW"
            " WHEN (NEW.power_w = 13) EXECUTE FUNCTION refuse()"
        )


def test_the_manual_names_every_reason_and_whom_it_costs() -> None:
    table = Path("docs/reference/mqtt.md").read_text(encoding="utf-8").partition("| reason |")[2]
    costs = {
        reason: what
        for names, what in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ([^|]+) \|", table, re.MULTILINE)
        for reason in re.findall(r"\w+", names)
    }
    assert set(costs) == set(Reason)
    assert {costs[reason] for reason, _, _ in METRIC} == {"the metric"}
    of_a_reading = {reason for reason, payload in WHOLE if payload.startswith(b'{"ts"') and len(payload) < 60_000}
    assert {costs[reason] for reason in of_a_reading - {Reason.NOT_JSON}} == {
        "the reading",
        "the payload or the reading",
    }
