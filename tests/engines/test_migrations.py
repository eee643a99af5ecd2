"""What a database holds goes along when its schema is migrated."""

from pathlib import Path

from api import schema
from tests.conftest import Database

_REFUSAL_OF_VERSION_1 = """
DROP TABLE refusal, refusal_day;
CREATE TABLE refusal (
    refusal_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text NOT NULL,
    device_no integer,
    seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    topic text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    ts timestamptz,
    metric text,
    payload bytea NOT NULL
);
CREATE INDEX refusal_listed ON refusal (tenant_id, refusal_no DESC);
CREATE INDEX refusal_seq ON refusal (seq);
SELECT protect('refusal');
GRANT SELECT, INSERT ON refusal TO foremend_worker;
GRANT SELECT ON refusal TO foremend_api;
"""


def test_refusals_of_the_first_version_get_their_keys_and_their_counts(database: Database) -> None:
    migration = next(Path(str(schema._MIGRATIONS)).glob("*_refusals.sql")).read_bytes()
    with database.connect() as conn:
        conn.execute(f"SET ROLE foremend_owner; {_REFUSAL_OF_VERSION_1} RESET ROLE;")
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
