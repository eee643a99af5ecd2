"""Which curves a device's page shows, and in which order: what was noticed, what its class is watched by, the rest."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from markupsafe import Markup
from psycopg import Connection

from api.http import evidence
from api.http.evidence import Reader
from devices.model import ApplianceClass
from ticketing.alerts.model import Alert

OVER = timedelta(days=3)
MOST_NOTICED = 3
Titled = tuple[str, Markup]


@dataclass(frozen=True, kw_only=True)
class Curves:
    """`noticed`: of active alerts, around their beginning; `watched` and `others`: metrics over the last days."""

    noticed: list[Titled]
    watched: list[Titled]
    others: list[Titled]


def of_device(
    conn: Connection[Any], appliance: ApplianceClass, device_no: int, active: list[Alert], reader: Reader, to_ms: int
) -> Curves:
    drawn = evidence.of_metrics(conn, appliance, device_no, reader, to_ms, OVER)
    rules = {rule.metric for rule in appliance.on_times} | {rule.metric for rule in appliance.levels}
    watched = rules & drawn.keys() or set([*drawn][:2])
    noticed = [
        (evidence.title_of(appliance, alert, reader.language), evidence.of_alert(conn, appliance, alert, reader))
        for alert in active[:MOST_NOTICED]
    ]
    return Curves(
        noticed=[(title, curve) for title, curve in noticed if curve],
        watched=[titled for metric, titled in drawn.items() if metric in watched],
        others=[titled for metric, titled in drawn.items() if metric not in watched],
    )
