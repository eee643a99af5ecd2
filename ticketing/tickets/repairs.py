"""What was put right on devices, for whoever counts their warranty."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from psycopg import Connection

from devices.model import Catalogue, Device
from devices.warranty.model import Repair
from ticketing.tickets import store


def of_devices(
    conn: Connection[Any], tenant_id: str, devices: Sequence[Device], catalogue: Catalogue, zone: tzinfo
) -> Mapping[int, Sequence[Repair]]:
    """By device_no, each fault's latest repair, on the day in `zone` on which its ticket was closed as done. One that
    was never classified has no title of its own."""
    titles = {
        device.device_no: {family.family_id: family.title for family in catalogue[device.class_id].families}
        for device in devices
    }
    found: defaultdict[int, list[Repair]] = defaultdict(list)
    for device_no, family, resolved_at in store.list_repairs(conn, tenant_id, list(titles)):
        title = titles[device_no].get(family, {})
        found[device_no].append(Repair(what=family, done_on=resolved_at.astimezone(zone).date(), title=title))
    return found


def of_device(conn: Connection[Any], device: Device, catalogue: Catalogue, zone: tzinfo) -> Sequence[Repair]:
    return of_devices(conn, device.tenant_id, [device], catalogue, zone).get(device.device_no, ())
