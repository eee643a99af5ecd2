"""A worker that is killed anywhere, also right after its COMMIT, costs nothing and repeats nothing."""

import json
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psycopg
import pytest

from tests import appliance
from tests.conftest import Database, NatsServer
from tests.faults.crew import LONG, a_worker, cursor_of, working
from tests.ingest.plain import Plain, kept, refused
from tests.ingest.record import register
from tests.processes import wait_for

pytestmark = pytest.mark.engines

KILLS = 20 if LONG else 10
DAYS = 3
EVERY_MS = 120_000
AT_ONCE = 20


def messages(seed: int) -> list[tuple[str, bytes]]:
    """Three days of three refrigerators. One gets warm on the third day; here and there something is bad, or said in
    parts, twice, or otherwise."""
    rng = np.random.default_rng(seed)
    now_ms = time.time_ns() // 1_000_000
    count = DAYS * 86_400_000 // EVERY_MS
    ts = now_ms - EVERY_MS * np.arange(count, 0, -1)
    sent = []
    for start in range(0, count, AT_ONCE):
        for device in range(3):
            warm = 9.0 if device == 0 and start > count * 0.8 else 0.0
            readings: list[Any] = [
                {"ts": int(at), "m": {"cabinet_temp_c": round(4 + warm + rng.normal() / 5, 2), "power_w": 60}}
                for at in ts[start : start + AT_ONCE]
            ]
            readings += [readings[0], "bad"] if start % 100 == 0 else []
            sent.append((f"d{device}", json.dumps(readings).encode()))
        sent += [(f"d{start // 60 % 3}", json.dumps(each).encode()) for each in _about_one(int(ts[start]), start)]
        sent += [("stranger", b"[%d]" % start)] if start % 200 == 0 else []
    return sent


def _about_one(ts: int, start: int) -> list[list[dict[str, Any]]]:
    """Messages of a moment that was spoken of: a part more, another value, and what is stored."""
    said = [{"door_open": 0}, {"power_w": 61, "rssi": start}, {"door_open": 0, "power_w": 60}]
    return [[{"ts": ts, "m": metrics}] for metrics in said] if start % 60 == 0 else []


def two_records(new_database: Callable[[], Database], nats: NatsServer) -> tuple[Database, Database, int]:
    """Of the same fleet at the same log: one for a worker that is disturbed, one for a worker that is not; where it
    begins."""
    start = nats.clear()
    records = new_database(), new_database()
    for record in records:
        with record.connect() as conn:
            register(conn, *[("demo", f"d{i}", "refrigerator") for i in range(3)])
            conn.execute("UPDATE partition SET cursor = %s", [start])
    return *records, start


def left_behind(database: Database) -> dict[str, list[Any]]:
    """All that must not depend on where a worker was killed."""
    with database.connect() as conn:
        return {
            "readings": conn.execute("SELECT * FROM reading_refrigerator ORDER BY device_no, ts").fetchall(),
            "refusals": conn.execute(
                "SELECT tenant_id, device_no, seq, received_at, topic, reason, detail, ts, metric, payload,"
                " seen, last_seq"
                " FROM refusal ORDER BY seq, reason, ts"
            ).fetchall(),
            "refused": conn.execute("SELECT * FROM refusal_day ORDER BY device_id, day").fetchall(),
            "findings": conn.execute(
                "SELECT tenant_id, device_no, rule, claim, metric, observed, expected, since, at, seq, evidence"
                " FROM finding ORDER BY finding_no"
            ).fetchall(),
        }


def test_killed_at_seeded_points_it_leaves_what_an_undisturbed_one_leaves(
    new_database: Callable[[], Database], nats_server: NatsServer
) -> None:
    disturbed, undisturbed, start = two_records(new_database, nats_server)
    sent = messages(seed=7)
    _publish_and_kill(nats_server, disturbed, sent, random.Random(11))
    with working(undisturbed.dsn, nats_server.url):
        wait_for(lambda: cursor_of(undisturbed) == start + len(sent))

    ours, expected = left_behind(disturbed), left_behind(undisturbed)
    assert [row[3] for row in expected["findings"]] == ["RAISED"], expected["findings"]
    assert ours["findings"] == expected["findings"]
    assert ours["readings"] == expected["readings"]
    assert ours["refusals"] == expected["refusals"]
    assert ours["refused"] == expected["refused"] != []
    as_a_loop_has_it(disturbed, start, sent)
    with disturbed.connect() as conn:
        assert conn.execute("SELECT seq > %s FROM checkpoint", [start]).fetchone() == (True,)


def as_a_loop_has_it(database: Database, start: int, sent: list[tuple[str, bytes]]) -> None:
    plain = Plain({f"d{device}" for device in range(3)})
    for seq, (name, text) in enumerate(sent, start=start + 1):
        plain.hear(seq, time.time_ns() // 1_000_000, name, text)
    assert {reason for _, reason, *_ in plain.refused} == {"UNKNOWN_DEVICE", "NOT_A_READING", "CONFLICT"}
    with database.connect() as conn:
        assert kept(conn, start) == (plain.rows, plain.first)
        assert refused(conn, start) == plain.refused


def a_flood() -> list[tuple[str, bytes]]:
    """One refrigerator sends twice what may come at once, in large arrays of this minute; between them its neighbours,
    and what the flooding one had buffered."""
    now_ms = time.time_ns() // 1_000_000
    metrics = {"cabinet_temp_c": 4.0, "power_w": 85.2}
    sent = []
    for n in range(120):
        first = now_ms - 200_000 + n * 1000
        readings = [{"ts": first + i, "m": {**metrics, "note": "x" * 1000}} for i in range(55)]
        sent.append(("d0", json.dumps(readings).encode()))
        sent += [(f"d{1 + n % 2}", json.dumps({"ts": first, "m": metrics}).encode())]
        sent += [("d0", json.dumps({"ts": first - 3_600_000, "m": metrics}).encode())]
    return sent


def test_a_worker_killed_under_a_flood_refuses_what_an_undisturbed_one_refuses(
    new_database: Callable[[], Database], nats_server: NatsServer
) -> None:
    disturbed, undisturbed, start = two_records(new_database, nats_server)
    sent = a_flood()
    _publish_and_kill(nats_server, disturbed, sent, random.Random(12), KILLS if LONG else 3)
    with working(undisturbed.dsn, nats_server.url):
        wait_for(lambda: cursor_of(undisturbed) == start + len(sent))

    ours, expected = left_behind(disturbed), left_behind(undisturbed)
    with undisturbed.connect() as conn:
        (refused, details) = conn.execute(
            "SELECT sum(refused), (SELECT array_agg(DISTINCT detail) FROM refusal WHERE reason = 'OVER_LIMIT')"
            " FROM refusal_day"
        ).fetchone() or (0, [])
        neighbours = conn.execute("SELECT count(*) FROM reading_refrigerator WHERE device_no <> %s", [_first(conn)])
        assert neighbours.fetchone() == (120,)
    assert details == ["more live bytes than 65536 a second and 3932160 at once"]
    assert _over(sent, undisturbed) <= refused < 60, "what does not run in while the flood lasts"
    assert ours == expected


def _over(sent: list[tuple[str, bytes]], database: Database) -> int:
    """How many of the flooding one's arrays are too many at least, however long it took to say them."""
    arrays = [len(text) for _, text in sent if len(text) > 10_000]
    with database.connect() as conn:
        (lasted_s,) = conn.execute(
            "SELECT extract(epoch FROM max(received_at) - min(received_at))::float8 FROM ("
            "SELECT received_at FROM reading_refrigerator UNION ALL SELECT received_at FROM refusal) AS came"
        ).fetchone() or (0.0,)
    too_much = sum(arrays) - 3_932_160 - 65_536 * lasted_s
    return max(1, int(too_much / max(arrays)))


def _first(conn: psycopg.Connection[Any]) -> int:
    (device_no,) = conn.execute("SELECT device_no FROM device WHERE device_id = 'd0'").fetchone() or (0,)
    return int(device_no)


def test_nats_killed_under_load_loses_nothing_and_changes_no_finding(
    new_database: Callable[[], Database], nats_server: NatsServer
) -> None:
    """What the device sends again after a death may stand in the log twice; in the record it is once."""
    disturbed, undisturbed, _ = two_records(new_database, nats_server)
    sent = messages(seed=8)
    with working(disturbed.dsn, nats_server.url):
        _publish_while_nats_dies(nats_server, sent)
        wait_for(lambda: cursor_of(disturbed) == nats_server.state().last_seq)
    with working(undisturbed.dsn, nats_server.url):
        wait_for(lambda: cursor_of(undisturbed) == nats_server.state().last_seq)

    ours, expected = left_behind(disturbed), left_behind(undisturbed)
    assert [row[3] for row in expected["findings"]] == ["RAISED"], expected["findings"]
    assert ours == expected
    readings = {(device, each["ts"]) for device, text in sent for each in _readings(text)}
    assert len(ours["readings"]) == len(readings)


def _readings(text: bytes) -> list[dict[str, Any]]:
    said = json.loads(text)
    return [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []


def _publish_while_nats_dies(nats_server: NatsServer, sent: list[tuple[str, bytes]]) -> None:
    device = appliance.a_client("faults-nats")
    device.reconnect_delay_set(1, 1)
    acknowledged: set[int] = set()
    device.on_publish = lambda _c, _u, number, _code, _p: acknowledged.add(number)
    deaths = {len(sent) // 3, 2 * len(sent) // 3}
    with appliance.let_in(device, nats_server.mqtt_port):
        for place, (name, text) in enumerate(sent):
            device.publish(f"fm/demo/{name}/up/telemetry", text, qos=1)  # without a connection it waits for the next
            if place in deaths:
                nats_server.engine.process.kill()
                nats_server.engine.start()
        wait_for(lambda: len(acknowledged) == len(sent))


def _publish_and_kill(
    nats_server: NatsServer,
    database: Database,
    sent: list[tuple[str, bytes]],
    chance: random.Random,
    kills: int = KILLS,
) -> None:
    """A part of the messages, a worker, and its death as soon as the cursor has passed a seeded point (that is right
    after a COMMIT) or a seeded moment later (mostly in the midst of the next batch)."""
    start = cursor_of(database)
    parts = np.array_split(np.arange(len(sent)), kills)
    with (
        appliance.let_in(appliance.a_client(f"faults-{start}"), nats_server.mqtt_port) as device,
        psycopg.connect(database.dsn, user="postgres", autocommit=True) as conn,
    ):
        for part in parts:
            point = start + int(chance.choice(part)) + 1
            after_s = chance.choice([0.0, chance.uniform(0.0, 0.03)])
            for i in part:
                device.publish(f"fm/demo/{sent[i][0]}/up/telemetry", sent[i][1], qos=1)
            worker = a_worker(database.dsn, nats_server.url)
            wait_for(lambda: _cursor(conn) >= point, pause_s=0)  # noqa: B023  called before the next turn
            time.sleep(after_s)
            worker.kill()
        with working(database.dsn, nats_server.url):  # on a busy machine the killed ones may have come to no checkpoint
            wait_for(lambda: _cursor(conn) == start + len(sent) and _checkpoint(conn) > start)


def _cursor(conn: psycopg.Connection[Any]) -> int:
    (cursor,) = conn.execute("SELECT cursor FROM partition").fetchone() or (0,)
    return int(cursor)


def _checkpoint(conn: psycopg.Connection[Any]) -> int:
    (seq,) = conn.execute("SELECT max(seq) FROM checkpoint").fetchone() or (None,)
    return int(seq or 0)
