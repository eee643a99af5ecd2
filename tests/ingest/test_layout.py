"""What is rendered from the catalogue: additive, the same by either way, and closed to whoever has no business."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from ingest import history, layout, layout_aggregates, store
from ingest.errors import LayoutError
from tests.ingest.builders import FRIDGE, NOW_MS
from tests.ingest.conftest import Record, is_timescale
from tests.ingest.record import a_batch, register

SMALL = replace(FRIDGE, metrics=FRIDGE.metrics[:2])
CREATED = """\
CREATE TABLE reading_refrigerator (
    device_no integer NOT NULL,
    ts timestamptz NOT NULL,
    seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    flags bigint NOT NULL DEFAULT 0,
    extra jsonb,
    filled bigint,
    cabinet_temp_c double precision,
    evaporator_temp_c double precision,
    PRIMARY KEY (device_no, ts)
)
CREATE TRIGGER reading_refrigerator_kept BEFORE DELETE ON reading_refrigerator FOR EACH ROW
    WHEN (old.ts > now() - INTERVAL '7 days') EXECUTE FUNCTION refuse_change()
GRANT SELECT, INSERT, UPDATE, DELETE ON reading_refrigerator TO foremend_worker
CREATE OR REPLACE VIEW tenant_reading_refrigerator WITH (security_barrier) AS
    SELECT device.tenant_id, kept.device_no, kept.ts, kept.seq, kept.received_at, kept.flags, kept.extra, \
kept.filled, kept.cabinet_temp_c, kept.evaporator_temp_c
    FROM reading_refrigerator AS kept JOIN device USING (device_no)
GRANT SELECT ON tenant_reading_refrigerator TO foremend_api, foremend_relay"""
_OF_METRIC = """\
    min_{0} double precision,
    max_{0} double precision,
    avg_{0} double precision,
    last_{0} double precision,
    count_{0} bigint,
"""
_AGGREGATE = (
    """\
CREATE TABLE {0}_refrigerator (
    device_no integer NOT NULL,
    begins timestamp with time zone NOT NULL,
    readings bigint NOT NULL,
"""
    + _OF_METRIC.format("cabinet_temp_c")
    + _OF_METRIC.format("evaporator_temp_c")
    + """\
    PRIMARY KEY (device_no, begins)
)
GRANT SELECT, INSERT, UPDATE, DELETE ON {0}_refrigerator TO foremend_worker
CREATE OR REPLACE VIEW tenant_{0}_refrigerator WITH (security_barrier) AS
    SELECT device.tenant_id, kept.device_no, kept.begins, kept.readings, \
kept.min_cabinet_temp_c, kept.max_cabinet_temp_c, kept.avg_cabinet_temp_c, kept.last_cabinet_temp_c, \
kept.count_cabinet_temp_c, kept.min_evaporator_temp_c, kept.max_evaporator_temp_c, kept.avg_evaporator_temp_c, \
kept.last_evaporator_temp_c, kept.count_evaporator_temp_c
    FROM {0}_refrigerator AS kept JOIN device USING (device_no)
GRANT SELECT ON tenant_{0}_refrigerator TO foremend_api, foremend_relay"""
)
AGGREGATES = "\n".join(
    [
        _AGGREGATE.format("hours"),
        _AGGREGATE.format("quarters"),
        """\
WITH RECURSIVE first AS (
    (SELECT device_no, ts FROM reading_refrigerator ORDER BY device_no, ts LIMIT 1)
    UNION ALL
    SELECT following.* FROM first CROSS JOIN LATERAL (
        SELECT device_no, ts FROM reading_refrigerator AS kept
        WHERE kept.device_no > first.device_no ORDER BY kept.device_no, kept.ts LIMIT 1) AS following)
INSERT INTO sealing (class_id, sealed_to)
SELECT 'refrigerator', date_bin('1 hour', coalesce(min(ts), now()), 'epoch') FROM first
ON CONFLICT (class_id) DO UPDATE SET sealed_to = least(sealing.sealed_to, excluded.sealed_to)""",
    ]
)
HYPERTABLE = (
    "SELECT create_hypertable('reading_refrigerator', by_range('ts', INTERVAL '7 days'), "
    "create_default_indexes => false)"
)
FILLED = """
    INSERT INTO reading_refrigerator AS kept (device_no, ts, seq, received_at, flags, extra, \
filled, cabinet_temp_c, evaporator_temp_c)
    SELECT device_no, ts, seq, received_at, flags, extra::jsonb, nullif(filled, 0),
        nullif(m0, 'NaN'), nullif(m1, 'NaN')
    FROM unnest(%(device_no)s::integer[], %(ts)s::timestamptz[], %(seq)s::bigint[], %(received_at)s::timestamptz[],
                %(flags)s::bigint[], %(extra)s::text[], %(filled)s::bigint[], %(m0)s::float8[], %(m1)s::float8[])
        AS batch (device_no, ts, seq, received_at, flags, extra, filled, m0, m1)
    ON CONFLICT (device_no, ts) DO UPDATE SET
        cabinet_temp_c = coalesce(kept.cabinet_temp_c, excluded.cabinet_temp_c), \
evaporator_temp_c = coalesce(kept.evaporator_temp_c, excluded.evaporator_temp_c),
        extra = CASE WHEN excluded.extra IS NULL THEN kept.extra
                     ELSE excluded.extra || coalesce(kept.extra, '{}') END,
        flags = kept.flags | (excluded.flags & (CASE WHEN kept.cabinet_temp_c IS NULL THEN 1::bigint ELSE 0 END \
| CASE WHEN kept.evaporator_temp_c IS NULL THEN 2::bigint ELSE 0 END)),
        filled = nullif(coalesce(kept.filled, 0) | \
CASE WHEN kept.cabinet_temp_c IS NULL AND excluded.cabinet_temp_c IS NOT NULL THEN 1::bigint ELSE 0 END | \
CASE WHEN kept.evaporator_temp_c IS NULL AND excluded.evaporator_temp_c IS NOT NULL THEN 2::bigint ELSE 0 END, 0)
    WHERE kept.cabinet_temp_c IS NULL AND excluded.cabinet_temp_c IS NOT NULL \
OR kept.evaporator_temp_c IS NULL AND excluded.evaporator_temp_c IS NOT NULL
        OR excluded.extra IS NOT NULL AND excluded.extra || coalesce(kept.extra, '{}') IS DISTINCT FROM kept.extra"""


def test_the_rendered_ddl_is_what_was_reviewed() -> None:
    catalogue = {"refrigerator": SMALL}
    rendered = layout.render(catalogue, timescale=False)
    assert "\n".join(rendered[:5]) == CREATED
    assert "\n".join(rendered[5:]) == AGGREGATES
    assert layout.render(catalogue, timescale=True)[1] == HYPERTABLE


def test_the_rendered_insert_is_what_was_reviewed() -> None:
    assert layout.fill(SMALL) == FILLED
    assert layout.append(SMALL) in FILLED
    assert layout.append(SMALL) in layout.insert(SMALL)


def test_nothing_new_in_the_catalogue_renders_nothing() -> None:
    existing = {"reading_refrigerator": {**layout.FIXED, **dict.fromkeys(FRIDGE.metric_names, layout.METRIC)}}
    listed = {c: kind for metric in FRIDGE.metric_names for c, kind in layout_aggregates.columns(metric).items()}
    for name in layout_aggregates.tables({"refrigerator": FRIDGE}):
        existing[name] = {**layout_aggregates.KEY, **listed}
    assert layout.difference(existing, {"refrigerator": FRIDGE}, timescale=False) == []


def test_a_column_of_another_type_is_an_error_that_names_it() -> None:
    existing = {"reading_refrigerator": {**layout.FIXED, "cabinet_temp_c": "text"}}
    with pytest.raises(LayoutError, match=r"reading_refrigerator.cabinet_temp_c is text, the catalogue needs double"):
        layout.difference(existing, {"refrigerator": FRIDGE}, timescale=False)


def test_a_metric_that_left_the_catalogue_stays_in_table_and_view() -> None:
    existing = {"reading_refrigerator": {**layout.FIXED, "old_c": layout.METRIC, "cabinet_temp_c": layout.METRIC}}
    added, view, *_ = layout.difference(existing, {"refrigerator": SMALL}, timescale=False)
    assert added == "ALTER TABLE reading_refrigerator ADD COLUMN evaporator_temp_c double precision"
    assert "kept.old_c, kept.cabinet_temp_c, kept.evaporator_temp_c" in view


def _shape(conn: psycopg.Connection[Any], name: str) -> list[Any]:
    """Everything that a later reader could tell apart: columns, view, rights, keys, whether it is a hypertable."""
    return [_shape_of(conn, f"{kind}_{name}") for kind in ("reading", "hours", "quarters")]


def _shape_of(conn: psycopg.Connection[Any], name: str) -> list[Any]:
    columns = conn.execute(
        "SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull,"
        " pg_get_expr(adbin, adrelid) FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
        " WHERE attrelid IN (%s::regclass, %s::regclass) AND attnum > 0 ORDER BY attrelid::regclass::text, attnum",
        [name, f"tenant_{name}"],
    ).fetchall()
    rights = conn.execute(
        "SELECT relname, relkind, reloptions, relacl::text FROM pg_class"
        " WHERE oid IN (%s::regclass, %s::regclass) ORDER BY relname",
        [name, f"tenant_{name}"],
    ).fetchall()
    keys = conn.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass ORDER BY 1",
        [name],
    ).fetchall()
    view = conn.execute("SELECT pg_get_viewdef(%s::regclass)", [f"tenant_{name}"]).fetchall()
    return [columns, rights, keys, view]


def test_rendered_v1_plus_the_difference_is_rendered_v2(record: Record) -> None:
    """Also for a class that already holds readings."""
    v1 = replace(SMALL, class_id="proof")
    v2 = replace(FRIDGE, class_id="proof")
    shapes = []
    with record.connect() as conn:
        timescale = is_timescale(conn)
        for steps in ([v1, v2], [v2]):
            with conn.transaction(force_rollback=True):
                conn.execute("SET LOCAL ROLE foremend_owner")
                for step in steps:
                    _apply(conn, {"proof": step}, timescale=timescale)
                shapes.append(_shape(conn, "proof"))
    assert shapes[0] == shapes[1]
    columns = len(layout.FIXED) + len(FRIDGE.metrics)
    aggregated = len(layout_aggregates.KEY) + 5 * len(FRIDGE.metrics)
    assert [len(shape[0]) for shape in shapes[0]] == [2 * columns + 1, 2 * aggregated + 1, 2 * aggregated + 1]


def _apply(conn: psycopg.Connection[Any], catalogue: dict[str, Any], *, timescale: bool) -> None:
    existing: dict[str, dict[str, str]] = {}
    columns = conn.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_name ~ '^[a-z]+_proof$' ORDER BY ordinal_position"
    )
    for table, column, kind in columns:
        existing.setdefault(table, {})[column] = kind
    texts = layout.difference(existing, catalogue, timescale=timescale)
    assert texts
    assert existing or texts == layout.render(catalogue, timescale=timescale)
    for text in texts:
        conn.execute(text)


def test_a_tenant_sees_its_own_devices_readings_and_no_others(record: Record) -> None:
    with record.connect() as conn:
        mine, others = register(conn, ("a", "d1", "refrigerator"), ("b", "d1", "refrigerator"))
    with record.connect("foremend_worker") as conn:
        store.insert(conn, FRIDGE, a_batch([mine, others], [NOW_MS, NOW_MS]))
    with record.connect("foremend_api", autocommit=False) as conn:
        assert _seen(conn) == []
        conn.execute("SELECT set_config('app.tenant', 'b', true)")
        assert _seen(conn) == [(others,)]
        conn.execute("SELECT set_config('app.tenant', 'a', true)")
        assert _seen(conn) == [(mine,)]
        assert store.newest(conn, FRIDGE, others) is None
        assert len(history.window(conn, FRIDGE, others, ["power_w"], 0, NOW_MS, 10).ts_ms) == 0


def _seen(conn: psycopg.Connection[Any]) -> list[tuple[int]]:
    return conn.execute("SELECT device_no FROM tenant_reading_refrigerator").fetchall()


@pytest.mark.parametrize("role", ["foremend_api", "foremend_relay"])
@pytest.mark.parametrize(
    "verb", ["SELECT 1 FROM {}", "DELETE FROM {}", "UPDATE {} SET seq = 0", "INSERT INTO {} SELECT"]
)
def test_only_the_worker_has_a_right_on_a_class_table(record: Record, role: str, verb: str) -> None:
    with record.connect(role) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(verb.format("reading_refrigerator"))


def test_the_worker_can_neither_delete_nor_truncate_what_is_young(record: Record) -> None:
    """Retention is at least a day longer."""
    with record.connect() as conn:
        for age in ("6 days", "8 days"):
            conn.execute(
                "INSERT INTO reading_refrigerator (device_no, ts, seq, received_at)"
                f" VALUES (1, now() - INTERVAL '{age}', 1, now())"
            )
    with record.connect("foremend_worker") as conn:
        for text in ("DELETE FROM reading_refrigerator", "TRUNCATE reading_refrigerator"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(text)
        conn.execute("DELETE FROM reading_refrigerator WHERE ts < now() - INTERVAL '7 days'")
        assert conn.execute("SELECT count(*) FROM reading_refrigerator").fetchone() == (1,)
