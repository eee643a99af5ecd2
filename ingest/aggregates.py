"""Hours of devices are aggregated once they are over, and again when something comes to them late.

What a batch writes below `sealed` makes its hours stale, in its own transaction; stale hours are read from readings
until they are aggregated. So a curve never misses what is in the record, whenever this is done.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from psycopg import Connection

from devices.model import ApplianceClass
from ingest import store_aggregates
from ingest.model import Batch
from ingest.resolution import HOUR_MS, Level, levels
from ingest.store import ms

SETTLE = timedelta(minutes=5)  # after an hour's end, for what is a little late, so that it need not be done twice
GRACE = timedelta(hours=2)  # readings stay so much longer than one may be late: its whole hour is aggregated again
READINGS_AT_ONCE = 4_000  # about 15 ms
HOURS_AT_ONCE = 64
_HOURS = 1 << 32  # more than there are of any time that is taken


def sealed(conn: Connection[Any], batches: Sequence[Batch]) -> Mapping[str, int]:
    """Of each class the ms below which hours are sealed; it stays so until the caller commits."""
    return store_aggregates.sealed(conn, sorted({batch.class_id for batch in batches})) if batches else {}


def mark(conn: Connection[Any], batches: Sequence[Batch], sealed_ms: Mapping[str, int]) -> None:
    """What the batches brought to sealed hours has to be aggregated again."""
    for batch in batches:
        late = batch.ts_ms < sealed_ms.get(batch.class_id, 0)
        if late.any():
            # a device and its hour as one number, whose order costs a tenth of that of pairs
            device_no, hour = np.divmod(
                np.unique(batch.device_no[late] * _HOURS + batch.ts_ms[late] // HOUR_MS), _HOURS
            )
            store_aggregates.mark(conn, batch.class_id, device_no, hour * HOUR_MS)


def seal(conn: Connection[Any], appliance: ApplianceClass, now: datetime) -> bool:
    """The next hour of the class, if it is over; the caller commits."""
    return bool(levels(appliance.cadence_s)) and store_aggregates.seal(conn, appliance.class_id, now - SETTLE)


def aggregate(conn: Connection[Any], appliance: ApplianceClass, now: datetime) -> tuple[int, bool]:
    """Some stale hours, the oldest first: how many, and whether there may be more. The caller commits. An hour whose
    readings may be forgotten in part stays as it was aggregated before."""
    readings = 3600 // appliance.cadence_s
    limit = max(1, min(HOURS_AT_ONCE, READINGS_AT_ONCE // max(1, readings)))
    device_no, hour_ms = store_aggregates.take(conn, appliance.class_id, limit)
    whole = hour_ms >= ms(now - readings_kept(appliance))
    if whole.any():
        for level in levels(appliance.cadence_s):
            store_aggregates.aggregate(conn, appliance, level, device_no[whole], hour_ms[whole])
    return len(hour_ms), len(hour_ms) == limit


def readings_kept(appliance: ApplianceClass) -> timedelta:
    return timedelta(days=appliance.retention_days) + GRACE


def level_kept(appliance: ApplianceClass, level: Level) -> timedelta:
    """The coarsest stay longest, the others a day longer than the readings they stand for."""
    coarsest = level is levels(appliance.cadence_s)[0]
    return timedelta(days=appliance.hours_days if coarsest else appliance.retention_days + 1) + GRACE
