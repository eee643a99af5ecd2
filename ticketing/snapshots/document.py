"""What a snapshot says: device, alert, rule, window, and the series in columns of equal length."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np

from devices.model import ApplianceClass, Device, LevelRule, OnTimeRule
from ingest.model import Floats, Window
from ticketing.alerts.model import Alert

FORMAT = "foremend.snapshot/1"


def document(
    snapshot_id: UUID,
    device: Device,
    appliance: ApplianceClass,
    alert: Alert,
    window: Window,
    *,
    begin: datetime,
    now: datetime,
) -> dict[str, Any]:
    """JSON values only. Times are RFC 3339 in UTC, a series' times epoch ms, as devices send them."""
    return {
        "format": FORMAT,
        "snapshot_id": str(snapshot_id),
        "tenant": device.tenant_id,
        "frozen_at": now.isoformat(),
        "device": {
            "device_id": device.device_id,
            "class_id": device.class_id,
            "model": device.model,
            "serial": device.serial,
            "firmware": alert.evidence.get("firmware"),
        },
        "alert": _alert(alert),
        "rule": _rule(appliance, alert.rule),
        "window": {"from": begin.isoformat(), "to": now.isoformat()},
        "series": _series(appliance, window),
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "alert_id": str(alert.alert_id),
        "rule": alert.rule,
        "family": alert.family,
        "severity": str(alert.severity),
        "metric": alert.metric,
        "observed": alert.observed,
        "expected": alert.expected,
        "since": alert.since.isoformat(),
        "last_seen": alert.last_seen.isoformat(),
        "occurrences": alert.occurrences,
        "evidence": alert.evidence,
    }


def _rule(appliance: ApplianceClass, name: str) -> dict[str, Any]:
    """The rule's settings as they were: they are its version."""
    rules: tuple[LevelRule | OnTimeRule, ...] = (*appliance.levels, *appliance.on_times)
    return next((asdict(rule) for rule in rules if rule.rule == name), {})


def _series(appliance: ApplianceClass, window: Window) -> dict[str, Any]:
    """One value a moment where every reading fits, else lowest and highest of each span: no peak is lost."""
    whole = bool(np.array_equal(window.low, window.high, equal_nan=True))
    metrics: dict[str, Any] = {}
    for i, metric in enumerate(appliance.metrics):
        low = _numbers(window.low[:, i])
        columns = {"values": low} if whole else {"low": low, "high": _numbers(window.high[:, i])}
        metrics[metric.name] = {"unit": metric.unit, **columns}
    resolution = "readings" if whole else "envelope"
    return {"resolution": resolution, "ts_ms": [int(ts) for ts in window.ts_ms], "metrics": metrics}


def _numbers(column: Floats) -> list[float | None]:
    return [None if value != value else value for value in column.tolist()]  # noqa: PLR0124 - only NaN differs from itself
