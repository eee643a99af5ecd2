"""A record to write into: devices registered, readings as batches, or a worker's intake of messages."""

from typing import Any

import numpy as np
import psycopg

from api.worker.batch import Intake
from api.worker.memory import Memory
from ingest import partition
from ingest.model import Batch
from tests.ingest.builders import CATALOGUE, NOW_MS


def register(conn: psycopg.Connection[Any], *devices: tuple[str, str, str]) -> list[int]:
    """(tenant, device id, class) of each; their device_no. `conn` may write what it likes."""
    numbers = []
    for tenant_id, device_id, class_id in devices:
        conn.execute("INSERT INTO tenant VALUES (%s, %s) ON CONFLICT DO NOTHING", [tenant_id, tenant_id])
        row = conn.execute(
            "INSERT INTO device (tenant_id, device_id, class_id, model, serial, label_token, registered_at)"
            " VALUES (%s, %s, %s, 'm', %s, left(md5(%s), 16), now()) RETURNING device_no",
            [tenant_id, device_id, class_id, device_id, f"{tenant_id}/{device_id}"],
        ).fetchone()
        assert row is not None
        numbers.append(row[0])
    return numbers


def a_batch(
    device_no: int | list[int],
    ts_ms: list[int],
    *,
    class_id: str = "refrigerator",
    seq: int | list[int] = 1,
    received_ms: int = NOW_MS,
    flags: list[int] | None = None,
    extra: list[str | None] | None = None,
    **metrics: Any,
) -> Batch:
    """`metrics`: a value for all readings, or one each; NaN where nothing is said."""
    n = len(ts_ms)
    names = CATALOGUE[class_id].metric_names
    values = np.full((n, len(names)), np.nan)
    for name, value in (metrics or {"power_w": 85.0}).items():
        values[:, names.index(name)] = value
    return Batch(
        class_id=class_id,
        device_no=np.broadcast_to(np.array(device_no, dtype=np.int64), (n,)).copy(),
        ts_ms=np.array(ts_ms, dtype=np.int64),
        seq=np.broadcast_to(np.array(seq, dtype=np.int64), (n,)).copy(),
        received_ms=np.full(n, received_ms, dtype=np.int64),
        values=values,
        flags=np.array(flags or [0] * n, dtype=np.int64),
        extra=extra or [None] * n,
    )


def an_intake(conn: psycopg.Connection[Any]) -> Intake:
    """Of a worker that has just started; `conn` is its own, and commits."""
    with conn.transaction():
        claim = partition.take(conn, "me")
    assert claim is not None
    memory = Memory(CATALOGUE)
    memory.stand_at(conn, claim, None)
    return Intake(conn, memory, claim)
