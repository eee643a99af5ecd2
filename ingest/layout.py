"""Class tables, their views and their statements, rendered from the catalogue; additive only, snapshot-tested.

Every name comes from the catalogue, which takes nothing but `[a-z][a-z0-9_]*`: that makes it safe to render SQL here.
"""

from functools import lru_cache

from devices.model import ApplianceClass, Catalogue
from ingest import layout_aggregates
from ingest.errors import LayoutError

CHUNK = "7 days"  # two to three chunks stay in the page cache of a small machine at one reading a minute
SURELY_KEPT = "7 days"  # nobody may forget what is younger; the shortest retention of a class is a day longer
FIXED = {
    "device_no": "integer",
    "ts": "timestamp with time zone",
    "seq": "bigint",
    "received_at": "timestamp with time zone",
    "flags": "bigint",
    "extra": "jsonb",
    "filled": "bigint",
}
METRIC = "double precision"

Existing = dict[str, dict[str, str]]  # table -> column -> type, in the order of the columns


def table(class_id: str) -> str:
    return f"reading_{class_id}"


def view(class_id: str) -> str:
    return f"tenant_reading_{class_id}"


def render(catalogue: Catalogue, *, timescale: bool) -> list[str]:
    """DDL of every class, grants included, to be run by the schema's owner."""
    return difference({}, catalogue, timescale=timescale)


def difference(existing: Existing, catalogue: Catalogue, *, timescale: bool) -> list[str]:
    """What takes `existing` to the catalogue: new classes, new metrics; nothing is ever dropped or changed.

    Raises LayoutError for a column of another type: a changed metric needs a new name.
    """
    texts: list[str] = []
    for row in catalogue.values():
        columns = existing.get(table(row.class_id))
        texts += _create(row, timescale=timescale) if columns is None else _grow(row, columns)
        texts += layout_aggregates.difference(existing, row, timescale=timescale)
    return texts


def _create(row: ApplianceClass, *, timescale: bool) -> list[str]:
    name = table(row.class_id)
    columns = [
        "device_no integer NOT NULL",
        "ts timestamptz NOT NULL",
        "seq bigint NOT NULL",
        "received_at timestamptz NOT NULL",
        "flags bigint NOT NULL DEFAULT 0",
        "extra jsonb",
        "filled bigint",
        *(f"{metric} {METRIC}" for metric in row.metric_names),
        "PRIMARY KEY (device_no, ts)",
    ]
    texts = [f"CREATE TABLE {name} (\n    " + ",\n    ".join(columns) + "\n)"]
    if timescale:  # the key serves every query, an index on ts alone would cost each insert
        texts.append(
            f"SELECT create_hypertable('{name}', by_range('ts', INTERVAL '{CHUNK}'), create_default_indexes => false)"
        )
    texts.append(
        f"CREATE TRIGGER {name}_kept BEFORE DELETE ON {name} FOR EACH ROW\n"
        f"    WHEN (old.ts > now() - INTERVAL '{SURELY_KEPT}') EXECUTE FUNCTION refuse_change()"
    )
    texts.append(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO foremend_worker")
    return [*texts, *_view(row.class_id, (*FIXED, *row.metric_names))]


def _grow(row: ApplianceClass, columns: dict[str, str]) -> list[str]:
    for name, kind in columns.items():
        wanted = FIXED.get(name, METRIC)
        if kind != wanted:
            raise LayoutError(table(row.class_id), name, f"is {kind}, the catalogue needs {wanted}")
    missing = [metric for metric in row.metric_names if metric not in columns]
    if not missing:
        return []
    added = [f"ALTER TABLE {table(row.class_id)} ADD COLUMN {metric} {METRIC}" for metric in missing]
    return [*added, *_view(row.class_id, (*columns, *missing))]


def _view(class_id: str, columns: tuple[str, ...]) -> list[str]:
    """What everybody but the worker reads. It runs with the owner's rights, and `device` is under row-level security
    for its owner too, so that only devices of the transaction's tenant join."""
    listed = ", ".join(f"kept.{column}" for column in columns)
    return [
        (
            f"CREATE OR REPLACE VIEW {view(class_id)} WITH (security_barrier) AS\n"
            f"    SELECT device.tenant_id, {listed}\n"
            f"    FROM {table(class_id)} AS kept JOIN device USING (device_no)"
        ),
        f"GRANT SELECT ON {view(class_id)} TO foremend_api, foremend_relay",
    ]


def append(row: ApplianceClass) -> str:
    """Writes a batch of which nothing is there; a key that is makes it fail. Arrays in, NaN for "not said"."""
    return _append(row.class_id, row.metric_names)


@lru_cache
def _append(class_id: str, metrics: tuple[str, ...]) -> str:
    names = [f"m{i}" for i in range(len(metrics))]
    arrays = ", ".join(f"%({name})s::float8[]" for name in names)
    return f"""
    INSERT INTO {table(class_id)} AS kept (device_no, ts, seq, received_at, flags, extra, filled, {", ".join(metrics)})
    SELECT device_no, ts, seq, received_at, flags, extra::jsonb, nullif(filled, 0),
        {", ".join(f"nullif({name}, 'NaN')" for name in names)}
    FROM unnest(%(device_no)s::integer[], %(ts)s::timestamptz[], %(seq)s::bigint[], %(received_at)s::timestamptz[],
                %(flags)s::bigint[], %(extra)s::text[], %(filled)s::bigint[], {arrays})
        AS batch (device_no, ts, seq, received_at, flags, extra, filled, {", ".join(names)})"""


def insert(row: ApplianceClass) -> str:
    """Writes of a batch what is not there, and says how much that was. It opens no compressed chunk."""
    return f"""
WITH done AS ({append(row)}
    ON CONFLICT (device_no, ts) DO NOTHING RETURNING 1
)
SELECT count(*) FROM done"""


def fill(row: ApplianceClass) -> str:
    """Writes to rows that are there what they lack: see `_fill`. In a compressed chunk each costs a thousand others."""
    return _fill(row.class_id, row.metric_names)


@lru_cache
def _fill(class_id: str, metrics: tuple[str, ...]) -> str:
    """As `append`. A row that is there gets the columns it lacks and keeps the others; one that lacks nothing is not
    written again. Flags travel with the columns they speak of, and what came later is marked as `filled`.
    """
    lacks = " | ".join(f"CASE WHEN kept.{m} IS NULL THEN {1 << i}::bigint ELSE 0 END" for i, m in enumerate(metrics))
    fills = " | ".join(
        f"CASE WHEN kept.{m} IS NULL AND excluded.{m} IS NOT NULL THEN {1 << i}::bigint ELSE 0 END"
        for i, m in enumerate(metrics)
    )
    said = " OR ".join(f"kept.{m} IS NULL AND excluded.{m} IS NOT NULL" for m in metrics)
    return f"""{_append(class_id, metrics)}
    ON CONFLICT (device_no, ts) DO UPDATE SET
        {", ".join(f"{m} = coalesce(kept.{m}, excluded.{m})" for m in metrics)},
        extra = CASE WHEN excluded.extra IS NULL THEN kept.extra
                     ELSE excluded.extra || coalesce(kept.extra, '{{}}') END,
        flags = kept.flags | (excluded.flags & ({lacks})),
        filled = nullif(coalesce(kept.filled, 0) | {fills}, 0)
    WHERE {said}
        OR excluded.extra IS NOT NULL AND excluded.extra || coalesce(kept.extra, '{{}}') IS DISTINCT FROM kept.extra"""


def stored(row: ApplianceClass) -> str:
    """What stands under the keys of a batch, in the batch's order (`place` counts from 0)."""
    return _stored(row.class_id, row.metric_names)


@lru_cache
def _stored(class_id: str, metrics: tuple[str, ...]) -> str:
    listed = ", ".join(f"kept.{m}" for m in metrics)
    return f"""
SELECT batch.place - 1, kept.seq, kept.extra::text, {listed}
FROM unnest(%(device_no)s::integer[], %(ts)s::timestamptz[]) WITH ORDINALITY AS batch (device_no, ts, place)
JOIN {table(class_id)} AS kept ON kept.device_no = batch.device_no AND kept.ts = batch.ts
    AND kept.ts BETWEEN %(first)s AND %(last)s
ORDER BY batch.place"""


@lru_cache
def extent(class_id: str) -> str:
    """How many readings of a device lie in a span of its time, and where they begin and end."""
    return (
        f"SELECT count(*), min(ts), max(ts) FROM {view(class_id)} "
        "WHERE device_no = %(device_no)s AND ts >= %(from)s AND ts <= %(to)s"
    )


@lru_cache
def window_count(class_id: str) -> str:
    """How many readings of a device lie in a span of its time."""
    return f"SELECT count(*) FROM {view(class_id)} WHERE device_no = %(device_no)s AND ts >= %(from)s AND ts < %(to)s"


@lru_cache
def window_raw(class_id: str, metrics: tuple[str, ...]) -> str:
    """Every reading of a device in a span of its time: one row with an array a column."""
    listed = ", ".join(f"coalesce({m}, 'NaN') AS {m}" for m in metrics)
    arrays = ", ".join(f"array_agg({m})" for m in metrics)
    return f"""
SELECT array_agg(ts), {arrays} FROM (
    SELECT ts, {listed} FROM {view(class_id)}
    WHERE device_no = %(device_no)s AND ts >= %(from)s AND ts < %(to)s ORDER BY ts) AS ordered"""


@lru_cache
def window_envelope(class_id: str, metrics: tuple[str, ...]) -> str:
    """Least and greatest value of each stretch of `width`, counted from `origin`: few points that lose no peak."""
    bounds = [(f"{bound}({m})", f"{bound}_{m}") for bound in ("min", "max") for m in metrics]
    listed = ", ".join(f"coalesce({value}, 'NaN') AS {name}" for value, name in bounds)
    arrays = ", ".join(f"array_agg({name})" for _, name in bounds)
    return f"""
SELECT array_agg(begins), {arrays} FROM (
    SELECT date_bin(%(width)s, ts, %(origin)s) AS begins, {listed} FROM {view(class_id)}
    WHERE device_no = %(device_no)s AND ts >= %(from)s AND ts < %(to)s GROUP BY 1 ORDER BY 1) AS ordered"""


@lru_cache
def newest(class_id: str) -> str:
    """The newest reading in the device's own time."""
    return (
        f"SELECT ts, received_at, extra FROM {view(class_id)} WHERE device_no = %(device_no)s ORDER BY ts DESC LIMIT 1"
    )


@lru_cache
def presses(class_id: str) -> str:
    """When the log received readings that say a button of the device was pressed: between two moments of the log's
    time, and of the device's own, so that a press of last night that is flushed now is none of now."""
    return f"""
SELECT received_at FROM {view(class_id)}
WHERE device_no = %(device_no)s AND ts >= %(from)s AND ts <= %(to)s
  AND received_at > %(since)s AND received_at <= %(until)s AND extra ->> 'button' NOT IN ('0', '0.0', 'false')
ORDER BY received_at LIMIT 100"""


@lru_cache
def spoken(class_id: str) -> str:
    """Of the messages that brought a device's newest readings: place in the log, when it came, its newest `ts`."""
    return f"""
SELECT seq, received_at, max(ts) FROM (
    SELECT seq, received_at, ts FROM {view(class_id)}
    WHERE device_no = %(device_no)s ORDER BY ts DESC LIMIT %(rows)s) AS newest
GROUP BY seq, received_at"""


@lru_cache
def forget(name: str, at: str = "ts") -> str:
    """Take away what is too old by `at`, of some devices and some rows of them: by the key, which needs no index on
    time. Says which device was the last, how many it looked at and how many rows went."""
    return f"""
WITH asked AS (
    SELECT device_no FROM device WHERE class_id = %(class_id)s AND device_no > %(after)s
    ORDER BY device_no LIMIT %(devices)s),
old AS (
    SELECT kept.device_no, kept.{at} FROM asked CROSS JOIN LATERAL (
        SELECT device_no, {at} FROM {name}
        WHERE device_no = asked.device_no AND {at} < %(before)s ORDER BY {at} LIMIT %(rows)s) AS kept
    LIMIT %(rows)s),
gone AS (
    DELETE FROM {name} AS kept USING old
    WHERE kept.device_no = old.device_no AND kept.{at} = old.{at} AND kept.{at} < %(before)s
    RETURNING 1)
SELECT (SELECT max(device_no) FROM asked), (SELECT count(*) FROM asked), (SELECT count(*) FROM gone)"""


def remembered(row: ApplianceClass) -> str:
    """For the fold at start: of each device the last days before its newest reading, as the log brought them, without
    what later messages filled in."""
    return _remembered(row.class_id, row.metric_names)


@lru_cache
def _remembered(class_id: str, metrics: tuple[str, ...]) -> str:
    columns = ("ts", "seq", "received_at", "flags", *metrics)
    listed = ", ".join(f"kept.{c}" for c in columns[:4])
    said = ", ".join(
        f"CASE WHEN kept.filled & {1 << i} <> 0 THEN 'NaN' ELSE coalesce(kept.{m}, 'NaN') END AS {m}"
        for i, m in enumerate(metrics)
    )
    name = table(class_id)
    return f"""
SELECT device_no, {", ".join(f"array_agg({c})" for c in columns)} FROM (
    SELECT kept.device_no, {listed}, {said}
    FROM unnest(%(device_no)s::integer[]) AS asked (device_no)
    CROSS JOIN LATERAL (
        SELECT ts FROM {name} WHERE device_no = asked.device_no AND seq <= %(cursor)s
        ORDER BY ts DESC LIMIT 1) AS newest
    JOIN {name} AS kept
        ON kept.device_no = asked.device_no AND kept.ts > newest.ts - %(span)s::interval AND kept.seq <= %(cursor)s
    ORDER BY kept.device_no, kept.seq, kept.ts) AS ordered
GROUP BY device_no ORDER BY device_no"""
