"""Aggregates of a class as tables: what each of them holds of a metric, how hours get there and are read.

As in `layout`, every name comes from the catalogue or from `resolution.LEVELS`.
"""

from functools import lru_cache

from devices.model import ApplianceClass, Catalogue
from ingest.resolution import Level, levels

KEY = {"device_no": "integer", "begins": "timestamp with time zone", "readings": "bigint"}
OF_METRIC = {"min": "double precision", "max": "double precision", "avg": "double precision",
             "last": "double precision", "count": "bigint"}  # fmt: skip
CHUNK = "28 days"  # about as many rows of a device as a chunk of readings has

Columns = dict[str, str]  # name -> type


def table(level: Level, class_id: str) -> str:
    return f"{level.name}_{class_id}"


def view(level: Level, class_id: str) -> str:
    return f"tenant_{table(level, class_id)}"


def columns(metric: str) -> Columns:
    return {f"{what}_{metric}": kind for what, kind in OF_METRIC.items()}


def difference(existing: dict[str, Columns], row: ApplianceClass, *, timescale: bool) -> list[str]:
    """What the aggregates of a class lack. A metric that came later is empty in the hours before it, as the readings
    are; a level that came later makes every hour of the class be aggregated again."""
    texts: list[str] = []
    for level in levels(row.cadence_s):
        there = existing.get(table(level, row.class_id))
        texts += _create(level, row, timescale=timescale) if there is None else _grow(level, row, there)
    if any(table(level, row.class_id) not in existing for level in levels(row.cadence_s)):
        texts.append(_unseal(row.class_id))
    return texts


def _create(level: Level, row: ApplianceClass, *, timescale: bool) -> list[str]:
    name = table(level, row.class_id)
    listed = [f"{column} {kind} NOT NULL" for column, kind in KEY.items()]
    listed += [f"{column} {kind}" for metric in row.metric_names for column, kind in columns(metric).items()]
    texts = [f"CREATE TABLE {name} (\n    " + ",\n    ".join([*listed, "PRIMARY KEY (device_no, begins)"]) + "\n)"]
    if timescale:
        texts.append(
            f"SELECT create_hypertable('{name}', by_range('begins', INTERVAL '{CHUNK}'), "
            "create_default_indexes => false)"
        )
    texts.append(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO foremend_worker")
    return [*texts, *_view(level, row.class_id, (*KEY, *(c for metric in row.metric_names for c in columns(metric))))]


def _grow(level: Level, row: ApplianceClass, there: Columns) -> list[str]:
    missing = {c: kind for metric in row.metric_names for c, kind in columns(metric).items() if c not in there}
    if not missing:
        return []
    name = table(level, row.class_id)
    added = [f"ALTER TABLE {name} ADD COLUMN {column} {kind}" for column, kind in missing.items()]
    return [*added, *_view(level, row.class_id, (*there, *missing))]


def _view(level: Level, class_id: str, listed: tuple[str, ...]) -> list[str]:
    return [
        (
            f"CREATE OR REPLACE VIEW {view(level, class_id)} WITH (security_barrier) AS\n"
            f"    SELECT device.tenant_id, {', '.join(f'kept.{column}' for column in listed)}\n"
            f"    FROM {table(level, class_id)} AS kept JOIN device USING (device_no)"
        ),
        f"GRANT SELECT ON {view(level, class_id)} TO foremend_api, foremend_relay",
    ]


def _unseal(class_id: str) -> str:
    """Hours are aggregated from the oldest reading on, found by going from device to device in the key."""
    return f"""\
WITH RECURSIVE first AS (
    (SELECT device_no, ts FROM reading_{class_id} ORDER BY device_no, ts LIMIT 1)
    UNION ALL
    SELECT following.* FROM first CROSS JOIN LATERAL (
        SELECT device_no, ts FROM reading_{class_id} AS kept
        WHERE kept.device_no > first.device_no ORDER BY kept.device_no, kept.ts LIMIT 1) AS following)
INSERT INTO sealing (class_id, sealed_to)
SELECT '{class_id}', date_bin('1 hour', coalesce(min(ts), now()), 'epoch') FROM first
ON CONFLICT (class_id) DO UPDATE SET sealed_to = least(sealing.sealed_to, excluded.sealed_to)"""


def aggregate(row: ApplianceClass, level: Level) -> str:
    """Hours of devices, from their readings, whatever was aggregated of them before."""
    return _aggregate(row.class_id, row.metric_names, level)


@lru_cache
def _aggregate(class_id: str, metrics: tuple[str, ...], level: Level) -> str:
    listed = [*KEY, *(column for metric in metrics for column in columns(metric))]
    of_metrics = ", ".join(
        f"min({m}), max({m}), avg({m}), (array_agg({m} ORDER BY ts DESC) FILTER (WHERE {m} IS NOT NULL))[1], count({m})"
        for m in metrics
    )
    return f"""
INSERT INTO {table(level, class_id)} ({", ".join(listed)})
SELECT device_no, begins, count(*), {of_metrics}
FROM (
    SELECT reading.device_no, date_bin('{level.width_ms} ms', ts, 'epoch') AS begins, ts, {", ".join(metrics)}
    FROM unnest(%(device_no)s::integer[], %(hour)s::timestamptz[]) AS asked (device_no, hour)
    CROSS JOIN LATERAL (
        SELECT kept.device_no, ts, {", ".join(metrics)} FROM reading_{class_id} AS kept
        WHERE kept.device_no = asked.device_no AND ts >= asked.hour AND ts < asked.hour + INTERVAL '1 hour'
            AND ts >= %(from)s AND ts < %(to)s) AS reading
    ORDER BY reading.device_no, ts) AS said
GROUP BY device_no, begins
ON CONFLICT (device_no, begins) DO UPDATE SET {", ".join(f"{c} = excluded.{c}" for c in listed[2:])}"""


@lru_cache
def extent(class_id: str, level: Level | None) -> str:
    """First and last reading of a device in a span of its time, and first and last aggregated hour that lies in it
    whole."""
    edges = [(f"tenant_reading_{class_id}", "ts", "from", "to")]
    if level is not None:
        edges.append((view(level, class_id), "begins", "from_hour", "to_hour"))
    listed = ",\n    ".join(
        f"(SELECT {at} FROM {name} WHERE device_no = %(device_no)s AND {at} >= %({begin})s AND {at} < %({end})s"
        f" ORDER BY {at} {order} LIMIT 1)"
        for name, at, begin, end in edges
        for order in ("ASC", "DESC")
    )
    return f"SELECT {listed}{', NULL, NULL' if level is None else ''}"


@lru_cache
def buckets(level: Level, class_id: str, metrics: tuple[str, ...]) -> str:
    """What was aggregated of a device in a span: begins, number of readings, bounds; one row, an array a column."""
    bounds = [f"{what}_{metric}" for what in ("min", "max") for metric in metrics]
    return f"""
SELECT array_agg(begins), array_agg(readings), {", ".join(f"array_agg({each})" for each in bounds)} FROM (
    SELECT begins, readings, {", ".join(f"coalesce({each}, 'NaN') AS {each}" for each in bounds)}
    FROM {view(level, class_id)}
    WHERE device_no = %(device_no)s AND begins >= %(from)s AND begins < %(to)s ORDER BY begins) AS ordered"""


def tables(catalogue: Catalogue) -> list[str]:
    """All that hold aggregates."""
    return [table(level, row.class_id) for row in catalogue.values() for level in levels(row.cadence_s)]
