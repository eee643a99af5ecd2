"""Rows of the aggregates: which hours are sealed, which are stale, and how these are made."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from psycopg import Connection

from devices.model import ApplianceClass
from ingest import arrays, layout_aggregates
from ingest.model import Ints
from ingest.resolution import HOUR_MS, Level
from ingest.store import moment
from ledger.statements import Statements

_sql = Statements("ingest")


def sealed(conn: Connection[Any], class_ids: Sequence[str]) -> dict[str, int]:
    return dict(conn.execute(_sql.find_sealed, {"class_ids": class_ids}).fetchall())


def mark(conn: Connection[Any], class_id: str, device_no: Ints, hour_ms: Ints) -> None:
    names = {"class_id": class_id, "device_no": arrays.int4s(device_no), "hour": arrays.moments(hour_ms)}
    arrays.packed_cursor(conn).execute(_sql.mark_stale, names)


def seal(conn: Connection[Any], class_id: str, up_to: datetime) -> bool:
    """Whether there was another hour that ends by `up_to`."""
    (hours,) = conn.execute(_sql.seal_hour, {"class_id": class_id, "up_to": up_to}).fetchone() or (0,)
    return bool(hours)


def take(conn: Connection[Any], class_id: str, limit: int) -> tuple[Ints, Ints]:
    """Devices and hours (n,) that are stale no longer if the caller aggregates them and commits."""
    rows = conn.execute(_sql.take_stale, {"class_id": class_id, "hours": limit}).fetchall()
    device_no, hour_ms = np.array(rows, dtype=np.int64).reshape(len(rows), 2).T
    return device_no, hour_ms


def aggregate(conn: Connection[Any], appliance: ApplianceClass, level: Level, device_no: Ints, hour_ms: Ints) -> None:
    names = {
        "device_no": arrays.int4s(device_no),
        "hour": arrays.moments(hour_ms),
        "from": moment(int(hour_ms.min())),
        "to": moment(int(hour_ms.max()) + HOUR_MS),
    }
    arrays.packed_cursor(conn).execute(layout_aggregates.aggregate(appliance, level).encode(), names)
