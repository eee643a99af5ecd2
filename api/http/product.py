"""An appliance as its maker's number and serial name it: its GS1 Digital Link, and who is meant by one."""

from typing import Any

from psycopg import Connection

from api.http.house import House
from devices import gs1, registry, settings
from devices.gs1 import Item
from devices.model import Device


def item_of(house: House, device: Device) -> Item | None:
    """None where the model has no number, or the serial has letters that GS1 does not know."""
    row = settings.model_of(house.catalogue[device.class_id], device.tenant_id, device.model)
    return gs1.item(row.gtin, device.serial) if row and row.gtin else None


def url_of(house: House, device: Device) -> str | None:
    """At our own address: any resolver's would do, ours leads to the report page."""
    item = item_of(house, device)
    return f"{house.settings.base_url.rstrip('/')}{item.path}" if item else None


def find(conn: Connection[Any], house: House, item: Item) -> Device | None:
    """Within the house's tenant, whose scope has been entered: its catalogue says whose number that is."""
    known = settings.by_gtin(house.catalogue, house.settings.tenant, item.gtin)
    return registry.by_serial(conn, house.settings.tenant, known[1].model, item.serial) if known else None
