"""What a database holds goes along when its schema is migrated."""

from pathlib import Path

from api import schema
from tests.conftest import Database

_FIRST = (Path(__file__).parent / "first_schema" / "ingest.sql").read_text()
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
