"""The evidence is frozen: read once, written in one canonical form, hashed, kept for good."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from psycopg import Connection

from devices.model import ApplianceClass, Device
from ingest import history
from ledger.ids import uuid7
from ticketing.alerts.model import Alert
from ticketing.snapshots import canonical, store
from ticketing.snapshots.document import document
from ticketing.snapshots.model import Snapshot

BEFORE = timedelta(hours=48)  # enough of the healthy days to compare with
AT_MOST = timedelta(days=14)  # a fault that was noticed late does not freeze a season
MAX_POINTS = 20_200  # 14 days of one reading a minute, in full


def freeze(
    conn: Connection[Any], device: Device, appliance: ApplianceClass, alert: Alert, *, now: datetime
) -> Snapshot:
    """Needs the tenant's scope: the series are read through its view."""
    begin = max(alert.since - BEFORE, now - AT_MOST)
    window = history.window(
        conn,
        appliance,
        device.device_no,
        appliance.metric_names,
        int(begin.timestamp() * 1000),
        int(now.timestamp() * 1000),
        max_points=MAX_POINTS,
    )
    snapshot_id = uuid7(now)
    body = canonical.dumps(document(snapshot_id, device, appliance, alert, window, begin=begin, now=now))
    snapshot = Snapshot(
        snapshot_id=snapshot_id,
        tenant_id=device.tenant_id,
        device_no=device.device_no,
        at=now,
        sha256=sha256(body).hexdigest(),
        body=body,
    )
    store.insert(conn, snapshot)
    return snapshot
