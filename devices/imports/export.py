"""The registry as a file that can be imported again and changes nothing then."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from devices.imports import store
from devices.imports.columns import COLUMNS
from devices.imports.formulas import armoured
from devices.imports.model import Person, Standing

AT_ONCE = 2000


def lines(conn: Connection[Any], tenant_id: str) -> Iterator[str]:
    """The header, then some thousand devices at a time. A BOM comes first: without it Excel takes UTF-8 for something
    else."""
    yield "\ufeff" + _text([dict(zip(COLUMNS, COLUMNS, strict=True))])
    after = 0
    while found := store.list_all(conn, tenant_id, after=after, limit=AT_ONCE):
        yield _text([_cells(standing) for standing in found])
        after = found[-1].device.device_no


def _text(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([armoured(row[column]) for column in COLUMNS] for row in rows)
    return text.getvalue()


def _cells(standing: Standing) -> dict[str, Any]:
    device, owner = standing.device, standing.owner or Person()
    return {
        "device_id": device.device_id,
        "class": device.class_id,
        "model": device.model,
        "serial": device.serial,
        "state": device.state,
        "place": device.place,
        "region": device.region,
        "site": device.site,
        "gateway": standing.gateway,
        "made_on": device.made_on,
        "bought_on": device.bought_on,
        "installed_on": device.installed_on,
        "latitude": device.given_latitude,
        "longitude": device.given_longitude,
        "datum": device.datum,
        "customer_name": owner.name,
        "customer_email": owner.email,
        "customer_phone": owner.phone,
        "customer_language": owner.language,
        "customer_time_zone": owner.time_zone,
    }
