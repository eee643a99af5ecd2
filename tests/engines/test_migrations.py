"""What a database holds goes along when its schema is migrated."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from api import schema
from devices import catalogue
from ingest import layout_aggregates
from tests.conftest import Database

_FIRST = (Path(__file__).parent / "first_schema" / "ingest.sql").read_text()


def _first_script(package: str, file: str) -> bytes:
    first = Path(__file__).parent / "first_schema" / f"{package}.sql"
    return first.read_bytes() if file == "sql/schema.sql" else (resources.files(package) / file).read_bytes()


_REFUSAL_OF_VERSION_1 = _FIRST[
    _FIRST.index("CREATE TABLE refusal (") : _FIRST.index("GRANT SELECT, UPDATE ON partition")
]


def test_refusals_of_the_first_version_get_their_keys_and_their_counts(database: Database) -> None:
    migration = next(Path(str(schema._MIGRATIONS)).glob("*_refusals.sql")).read_bytes()
    with database.connect() as conn:
        conn.execute(f"SET ROLE foremend_owner; DROP TABLE refusal, refusal_day; {_REFUSAL_OF_VERSION_1} RESET ROLE;")
        conn.execute(
            "INSERT INTO refusal (tenant_id, device_no, seq, received_at, topic, reason, detail, metric, payload)"
            " VALUES"
            " ('demo', 1, 1, '2026-11-20 23:59Z', 'fm/demo/d1/up/telemetry', 'NOT_JSON', '', NULL, 'x'),"
            " ('demo', 1, 2, '2026-11-20 23:59Z', 'fm/demo/d1/up/telemetry', 'NOT_FINITE', '', 'power_w', 'yy'),"
            " ('demo', NULL, 3, '2026-11-20 23:59Z', 'fm/demo/a b/up/telemetry', 'BAD_TOPIC', '', NULL, 'x')"
        )
        with conn.transaction():
            conn.execute("SET LOCAL ROLE foremend_owner")
            conn.execute(migration)
        rows = conn.execute("SELECT device_id, seen, last_seq FROM refusal ORDER BY seq").fetchall()
        assert rows == [("d1", 1, 1), ("d1", 1, 2), ("", 1, 3)]
        days = conn.execute(
            "SELECT tenant_id, device_id, day::text, refused, refused_metrics, stored, stored_bytes FROM refusal_day"
        )
        assert days.fetchall() == [("demo", "d1", "2026-11-20", 1, 1, 2, 3)]


def test_an_owned_device_of_an_older_version_is_active_and_owned_since_it_was_registered(
    new_database: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = new_database(template="template0")
    with old.connect() as conn:
        with monkeypatch.context() as first:
            first.setattr(schema, "_script", _first_script)
            first.setattr(schema, "SCHEMA_VERSION", 1)
            first.setattr(layout_aggregates, "difference", lambda *_, **__: [])
            schema.apply(conn, catalogue.load())
        with monkeypatch.context() as before:
            before.setattr(schema, "SCHEMA_VERSION", 9)
            schema.apply(conn, catalogue.load())
        conn.execute("INSERT INTO tenant VALUES ('demo', 'Demo')")
        conn.execute("INSERT INTO customer (customer_id, tenant_id, name) VALUES (gen_random_uuid(), 'demo', 'Ann')")
        conn.execute(
            "INSERT INTO device (tenant_id, device_id, class_id, model, serial, customer_id, site, label_token,"
            "                    registered_at)"
            " SELECT 'demo', id, 'refrigerator', 'F', id, CASE id WHEN 'a' THEN customer_id END, 'Mill 3', id,"
            "        '2026-01-02Z' FROM customer, unnest(ARRAY['a', 'b']) AS id"
        )
        schema.apply(conn, catalogue.load())
        states = conn.execute("SELECT device_id, state, site FROM device ORDER BY 1").fetchall()
        assert states == [("a", "ACTIVE", "Mill 3"), ("b", "MADE", "Mill 3")]
        assert conn.execute("SELECT name, time_zone FROM site").fetchall() == [("Mill 3", "UTC")]
        owned = conn.execute("SELECT device_no, since::date::text, until FROM ownership").fetchall()
        assert owned == [(1, "2026-01-02", None)]
