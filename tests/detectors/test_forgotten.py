"""Findings are forgotten at their age, but for what a start must know before it folds the last days again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from prometheus_client import CollectorRegistry, Counter

from api.worker.forget import Forgetting
from detectors import store
from ledger.statements import Statements
from tests.conftest import Database

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
Conn = psycopg.Connection[Any]


@pytest.fixture
def worker(database: Database) -> Iterator[Conn]:
    with database.connect() as owner:
        owner.execute("INSERT INTO tenant VALUES ('demo', 'Demo')")
        owner.execute(
            "INSERT INTO device (tenant_id, device_id, class_id, model, serial, label_token, registered_at)"
            " SELECT 'demo', 'd' || n, 'refrigerator', 'm', n, 't' || n, now() FROM generate_series(1, 2) AS n"
        )
    with database.connect("foremend_worker") as conn:
        yield conn


def found(conn: Conn, *ages: float, device_no: int = 1, rule: str = "level:x") -> None:
    """So many days ago, in this order; taken at once."""
    for age in ages:
        conn.execute(
            "INSERT INTO finding (tenant_id, device_no, rule, claim, metric, observed, expected, since, at, seq,"
            " taken_at) VALUES ('demo', %s, %s, 'RAISED', 'x', 1, 2, %s, %s, 1, %s)",
            [device_no, rule, *[NOW - timedelta(days=age)] * 3],
        )


def there(conn: Conn) -> list[tuple[int, str, int]]:
    rows = conn.execute("SELECT device_no, rule, at FROM finding ORDER BY finding_no").fetchall()
    return [(device_no, rule, (NOW - at).days) for device_no, rule, at in rows]


def forget(database: Database, conn: Conn, rounds: int = 1, at_once: int = 100) -> float | None:
    registry = CollectorRegistry()
    forgetting = Forgetting(database.settings(), {}, Counter("gone", "gone", ["what"], registry=registry))
    for _ in range(rounds):
        forgetting.forget_findings(conn, NOW, at_once)
    return registry.get_sample_value("gone_total", {"what": "findings"})


def test_the_old_go_and_the_last_of_each_rule_before_the_folded_days_stays(database: Database, worker: Conn) -> None:
    found(worker, 600, device_no=2)
    found(worker, 600, 450, rule="level:y")
    found(worker, 440, 430, 400, 390, 100, 5)
    assert forget(database, worker) == 5
    assert there(worker) == [(2, "level:x", 600), (1, "level:y", 450), (1, "level:x", 100), (1, "level:x", 5)]


def test_a_device_that_was_away_keeps_what_was_decided_in_its_last_days(database: Database, worker: Conn) -> None:
    found(worker, 520, 511, 502, 501, 500)
    assert forget(database, worker) == 1
    assert [age for _, _, age in there(worker)] == [511, 502, 501, 500]


def test_what_nobody_has_taken_yet_stays(database: Database, worker: Conn) -> None:
    found(worker, 700, 500, 5)
    with database.connect() as owner:
        owner.execute("UPDATE finding SET taken_at = NULL")
    assert forget(database, worker) == 0


def test_a_round_looks_at_so_many_and_the_next_goes_on_behind_them(database: Database, worker: Conn) -> None:
    found(worker, 600, device_no=2)  # it stays, and must not stand in the way of those behind it
    found(worker, 700, 500, 400, 390, 380, 5)
    assert [forget(database, worker, rounds=n, at_once=2) for n in (1, 2)] == [1, 3]
    assert forget(database, worker, rounds=5, at_once=2) == 0
    assert [age for _, _, age in there(worker)] == [600, 380, 5]


def test_neither_the_young_nor_other_devices_are_walked_through(database: Database, worker: Conn) -> None:
    with database.connect() as owner:
        owner.execute(
            "INSERT INTO finding (tenant_id, device_no, rule, claim, metric, observed, expected, since, at, seq,"
            " taken_at) SELECT 'demo', 1 + n %% 2, 'level:x', 'RAISED', 'x', 1, 2, at, at, n, at"
            " FROM generate_series(1, 4000) AS n, LATERAL (SELECT %s + n * interval '1 min') AS moment (at)",
            [NOW - timedelta(days=300)],
        )
        owner.execute("ANALYZE finding")
    names = {"before": NOW - store.KEPT, "after": 0, "limit": 10, "folded": store.FOLDED}
    text = b"EXPLAIN (ANALYZE) " + Statements("detectors").forget_findings
    plan = [line for (line,) in worker.execute(text, names)]
    assert not [line for line in plan if "Seq Scan" in line or "rows=4000" in line.partition("actual")[2]], plan
