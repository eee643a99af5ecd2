"""Where a device stands: behind which gateway, and at which site."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from psycopg import Connection

from devices import registry, store
from devices.behind import refused_because
from devices.errors import GatewayError, StaleError, UnknownDeviceError
from devices.model import Device
from ledger import log
from ledger.model import Scope


def place(
    conn: Connection[Any],
    device: Device,
    gateway_id: str | None,
    site: str | None,
    *,
    by: Scope,
    now: datetime,
    expected_version: int | None = None,
) -> Device:
    """The device, behind that gateway and at that site from now on. Raises UnknownDeviceError, GatewayError,
    StaleError."""
    store.lock_devices(conn)
    gateway_no = None if gateway_id is None else _gateway_of(conn, device, gateway_id)
    current = registry.locked(conn, device.device_no)
    if expected_version not in (None, current.version):
        raise StaleError(f"device {current.device_id!r}", expected_version or 0, current.version)
    if (current.gateway_no, current.site) == (gateway_no, site):
        return current
    if site is not None and store.settle_site(conn, device.tenant_id, site):
        log.note(conn, "site.registered", site, by, now, {})
    placed = replace(current, gateway_no=gateway_no, site=site, version=current.version + 1)
    store.save_device(conn, placed)
    log.note(conn, "device.placed", device.device_id, by, now, {"gateway": gateway_id, "site": site})
    return placed


def _gateway_of(conn: Connection[Any], device: Device, gateway_id: str) -> int:
    found = store.find_gateway(conn, device, gateway_id)
    if found is None:
        raise UnknownDeviceError(gateway_id)
    gateway_no, has_gateway, has_children = found
    reason = refused_because(device.device_no, gateway_no, has_gateway=has_gateway, has_children=has_children)
    if reason is not None:
        raise GatewayError(device.device_id, gateway_id, reason)
    return gateway_no
