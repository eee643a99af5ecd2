"""Rows of ingest and the values they stand for. Readings go through arrays, never through objects."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from psycopg import Connection
from psycopg.rows import class_row

from devices.model import ApplianceClass
from ingest import arrays, layout, topics
from ingest.model import Batch, Counts, Ints, Newest, RefusalFilter, StoredRefusal
from ingest.quota import Place, Said, Tally
from ingest.slots import Span
from ledger.statements import Statements

_sql = Statements("ingest")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def append(conn: Connection[Any], appliance: ApplianceClass, batch: Batch) -> None:
    """Write a batch of which nothing is there. Raises psycopg.errors.UniqueViolation, and its transaction is over."""
    order = np.lexsort((batch.ts_ms, batch.device_no))  # the key's order: neighbours in the index come together
    arrays.packed_cursor(conn).execute(layout.append(appliance).encode(), _columns(batch, order))


def insert(conn: Connection[Any], appliance: ApplianceClass, batch: Batch) -> int:
    """Write what of the batch is not there; how many readings that were. `batch` has one row a (device, ts)."""
    names = _columns(batch, np.arange(len(batch)))
    (new,) = arrays.packed_cursor(conn).execute(layout.insert(appliance).encode(), names).fetchone() or (0,)
    return int(new)


def fill(conn: Connection[Any], appliance: ApplianceClass, batch: Batch) -> None:
    """Write what rows that are there lack."""
    arrays.packed_cursor(conn).execute(layout.fill(appliance).encode(), _columns(batch, np.arange(len(batch))))


def _columns(batch: Batch, order: Ints) -> dict[str, Any]:
    # NULL: unnest fills up, so that a column costs those alone who say it.
    silent = batch.extra.count(None) == len(batch)
    values = batch.values[order]
    unsaid = [bool(np.isnan(column).all()) for column in values.T]
    return {
        "device_no": arrays.int4s(batch.device_no[order]),
        "ts": arrays.moments(batch.ts_ms[order]),
        "seq": arrays.int8s(batch.seq[order]),
        "received_at": arrays.moments(batch.received_ms[order]),
        "flags": arrays.int8s(batch.flags[order]),
        "extra": None if silent else [batch.extra[row] for row in order],
        "filled": None if batch.filled is None else arrays.int8s(batch.filled[order]),
        **{f"m{i}": None if nothing else arrays.float8s(values[:, i]) for i, nothing in enumerate(unsaid)},
    }


def stored(conn: Connection[Any], appliance: ApplianceClass, batch: Batch) -> Iterator[tuple[Any, ...]]:
    """What stands under each key of the batch: place in it, seq, extra as text, then each metric."""
    names = {
        "device_no": arrays.int4s(batch.device_no),
        "ts": arrays.moments(batch.ts_ms),
        "first": moment(int(batch.ts_ms.min())),  # so that only their chunks are looked at
        "last": moment(int(batch.ts_ms.max())),
    }
    yield from arrays.packed_cursor(conn).execute(layout.stored(appliance).encode(), names)


def find_tenants(conn: Connection[Any], tenant_ids: Iterable[str]) -> set[str]:
    """Those of them that exist."""
    rows = conn.execute(_sql.find_tenants, {"tenant_ids": sorted(tenant_ids)})
    return {tenant_id for (tenant_id,) in rows}


def find_refusal_keys(conn: Connection[Any], keys: Iterable[bytes]) -> set[bytes]:
    return {bytes(key) for (key,) in conn.execute(_sql.find_refusal_keys, {"keys": list(keys)})}


def find_refusal_days(conn: Connection[Any], places: Sequence[Place]) -> dict[Place, Tally]:
    """What is used of their room."""
    rows = conn.execute(_sql.find_refusal_days, _by_column(Place._fields, places))
    return {Place(*place): Tally(rows=stored, payload_bytes=size) for *place, stored, size in rows}


def insert_refusals(conn: Connection[Any], rows: Sequence[Said]) -> None:
    said = [row.refusal for row in rows]
    names = {
        "key": [row.key for row in rows],
        "tenant_id": [refusal.tenant_id or "" for refusal in said],
        "device_id": [topics.sender(refusal.topic) for refusal in said],
        "device_no": [refusal.device_no for refusal in said],
        "seq": [refusal.seq for refusal in said],
        "received_at": [moment(row.received_ms) for row in rows],
        "topic": [refusal.topic for refusal in said],
        "reason": [refusal.reason.value for refusal in said],
        "detail": [refusal.detail for refusal in said],
        "ts": [None if refusal.ts_ms is None else moment(refusal.ts_ms) for refusal in said],
        "metric": [refusal.metric for refusal in said],
        "payload": [refusal.payload for refusal in said],
        "seen": [row.times for row in rows],
        "last_seq": [row.last_seq for row in rows],
        "last_seen_at": [moment(row.last_ms) for row in rows],
    }
    conn.execute(_sql.store_refusals, names)


def count_refusal_days(conn: Connection[Any], grown: dict[Place, Tally]) -> None:
    """In one order for all: workers of several partitions count a tenant's strangers in the same row."""
    places = sorted(grown)
    names = _by_column(Place._fields, places)
    tallies = [grown[place] for place in places]
    names["refused"] = [tally.refused for tally in tallies]
    names["refused_metrics"] = [tally.refused_metrics for tally in tallies]
    names["stored"] = [tally.rows for tally in tallies]
    names["stored_bytes"] = [tally.payload_bytes for tally in tallies]
    conn.execute(_sql.count_refusal_days, names)


def _by_column(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def list_refusals(
    conn: Connection[Any], asked: RefusalFilter, older_than: int | None, limit: int
) -> list[StoredRefusal]:
    with conn.cursor(row_factory=class_row(StoredRefusal)) as cur:
        names = {**asdict(asked), "older_than": older_than, "limit": limit}
        return cur.execute(_sql.list_refusals, names).fetchall()


def list_replayable(conn: Connection[Any], names: dict[str, Any]) -> list[tuple[int, str, bytes, int, int, int]]:
    """Number, topic, payload, its place in the log and when that first received it, how often it was replayed."""
    return conn.execute(_sql.list_replayable, names).fetchall()


def count_replayable(conn: Connection[Any], names: dict[str, Any]) -> tuple[int, int]:
    """How many, and the newest one's number."""
    count, newest = conn.execute(_sql.count_replayable, names).fetchone() or (0, 0)
    return count, newest


def mark_replayed(conn: Connection[Any], seq_by_no: dict[int, int], at: datetime) -> None:
    names = {"refusal_no": list(seq_by_no), "seq": list(seq_by_no.values()), "at": at}
    conn.execute(_sql.mark_replayed, names)


def forget_refusals(conn: Connection[Any], before: datetime, limit: int) -> int:
    return conn.execute(_sql.forget_refusals, {"before": before, "limit": limit}).rowcount


def forget_refusal_days(conn: Connection[Any], before: datetime, limit: int) -> None:
    conn.execute(_sql.forget_refusal_days, {"before": before, "limit": limit})


def find_senders(conn: Connection[Any], device_nos: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Tenant and device id by device_no."""
    rows = conn.execute(_sql.find_senders, {"device_nos": list(device_nos)})
    return {device_no: (tenant_id, device_id) for device_no, tenant_id, device_id in rows}


def find_class_devices(conn: Connection[Any], class_id: str, span: Span) -> list[int]:
    rows = conn.execute(_sql.find_class_devices, {"class_id": class_id})
    return [device_no for device_no, tenant_id, device_id in rows if span.has(tenant_id, device_id)]


def remembered(
    conn: Connection[Any], appliance: ApplianceClass, device_nos: Sequence[int], cursor: int, span: timedelta
) -> Batch | None:
    """The readings of these devices that the fold needs, ordered by (device, seq, ts); without `extra`."""
    names = {"device_no": list(device_nos), "cursor": cursor, "span": span}
    rows = arrays.packed_cursor(conn).execute(layout.remembered(appliance).encode(), names).fetchall()
    if not rows:
        return None
    devices, ts, seq, received_at, flags, *metrics = zip(*rows, strict=True)
    ts_ms = [arrays.unpack_moments(data) for data in ts]
    lengths = [len(each) for each in ts_ms]
    values = [np.concatenate([arrays.unpack_floats(data) for data in column]) for column in metrics]
    return Batch(
        class_id=appliance.class_id,
        device_no=np.repeat(np.array(devices, dtype=np.int64), lengths),
        ts_ms=np.concatenate(ts_ms),
        seq=np.concatenate([arrays.unpack_ints(data) for data in seq]),
        received_ms=np.concatenate([arrays.unpack_moments(data) for data in received_at]),
        values=np.column_stack(values),
        flags=np.concatenate([arrays.unpack_ints(data) for data in flags]),
        extra=[None] * sum(lengths),
    )


def newest(conn: Connection[Any], appliance: ApplianceClass, device_no: int) -> Newest | None:
    row = conn.execute(layout.newest(appliance.class_id).encode(), {"device_no": device_no}).fetchone()
    return None if row is None else Newest(ts_ms=ms(row[0]), received_ms=ms(row[1]), extra=row[2] or {})


def presses(
    conn: Connection[Any],
    appliance: ApplianceClass,
    device_no: int,
    *,
    own_time: tuple[datetime, datetime],
    received: tuple[datetime, datetime],
) -> list[datetime]:
    names = {
        "device_no": device_no,
        "from": own_time[0],
        "to": own_time[1],
        "since": received[0],
        "until": received[1],
    }
    return [at for (at,) in conn.execute(layout.presses(appliance.class_id).encode(), names)]


def forget(
    conn: Connection[Any], class_id: str, name: str, at: str, before: datetime, after: int, devices: int, rows: int
) -> tuple[int, int, int]:
    """Of the class' devices above `after`: the last one looked at, how many that were, how many rows went."""
    names = {"class_id": class_id, "before": before, "after": after, "devices": devices, "rows": rows}
    last, looked, gone = conn.execute(layout.forget(name, at).encode(), names).fetchone() or (None, 0, 0)
    return last or after, looked, gone


def lateness_ms(conn: Connection[Any], appliance: ApplianceClass, device_no: int, rows: int, messages: int) -> Ints:
    """How late the device's last messages came, taken or refused for their time; of each by its newest reading."""
    names = {"device_no": device_no, "rows": rows}
    said = conn.execute(layout.spoken(appliance.class_id).encode(), names).fetchall()
    said += conn.execute(_sql.list_untimely, names).fetchall()
    last = sorted(said, reverse=True)[:messages]
    return np.array([ms(received_at) - ms(ts) for _, received_at, ts in last], dtype=np.int64)


def counts(conn: Connection[Any], appliance: ApplianceClass, device_no: int, span_ms: tuple[int, int]) -> Counts:
    names = {"device_no": device_no, "from": moment(span_ms[0]), "to": moment(span_ms[1])}
    count, first, last = conn.execute(layout.extent(appliance.class_id).encode(), names).fetchone() or (0, None, None)
    refused, metrics, replayed = conn.execute(_sql.count_refusals, names).fetchone() or (0, 0, 0)
    return Counts(
        readings=count,
        from_ms=None if first is None else ms(first),
        to_ms=None if last is None else ms(last),
        refused=refused,
        refused_metrics=metrics,
        replayed=replayed,
    )


def moment(epoch_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=epoch_ms)


def ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
