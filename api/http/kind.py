"""What a device's page says of its kind: its model in the catalogue, what it was doing, what else it said."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from psycopg import Connection

from detectors.regimes import REGIMES, UNKNOWN, label
from devices import settings
from devices.model import ApplianceClass, Device, Model, Own, Regime
from ingest import history
from ingest.model import Newest

_BACK_MS = 3 * 3_600_000  # for as long a regime's beginning is looked for
_MOST = 12_000  # readings: one a second, so that they are the readings themselves and no stretches of them


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`doing` at the newest reading, `since` when if that is not too long ago; `own`: title and value with its unit."""

    model: Model | None
    doing: Regime | None
    since: datetime | None
    own: tuple[tuple[str, str], ...]


def of_device(
    conn: Connection[Any], appliance: ApplianceClass, device: Device, newest: Newest | None, language: str
) -> Kind:
    model = settings.model_of(appliance, device.tenant_id, device.model)
    if newest is None:
        return Kind(model=model, doing=None, since=None, own=())
    doing, since = _doing(conn, appliance, device.device_no, newest.ts_ms)
    return Kind(model=model, doing=doing, since=since, own=_own(appliance, device.tenant_id, newest, language))


def _doing(
    conn: Connection[Any], appliance: ApplianceClass, device_no: int, to_ms: int
) -> tuple[Regime | None, datetime | None]:
    span_ms = (to_ms - _BACK_MS, to_ms)
    window = history.window(conn, appliance, device_no, appliance.metric_names, *span_ms, max_points=_MOST)
    labels = label(appliance, np.zeros(len(window.ts_ms), np.int64), window.ts_ms, window.high)
    if not len(labels) or labels[-1] == UNKNOWN:
        return None, None
    others = np.flatnonzero(labels != labels[-1])
    since = datetime.fromtimestamp(int(window.ts_ms[others[-1] + 1]) / 1000, tz=UTC) if len(others) else None
    return REGIMES[labels[-1]], since


def _own(appliance: ApplianceClass, tenant_id: str, newest: Newest, language: str) -> tuple[tuple[str, str], ...]:
    """Of the metrics that the tenant declared, what the newest reading said."""
    declared = appliance.own.get(tenant_id, Own()).metrics
    return tuple(
        (metric.title[language], _amount(newest.extra[metric.name], metric.unit))
        for metric in declared
        if metric.name in newest.extra
    )


def _amount(value: object, unit: str) -> str:
    said = f"{value:g}" if type(value) in {int, float} else str(value)
    return said if unit == "1" else f"{said} {unit}"
