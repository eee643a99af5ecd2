"""Rows that stand behind a gateway, which may come later in the file than they do."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from psycopg import Connection

from devices import store as devices
from devices.imports import store
from devices.imports.decide import gateway_fault
from devices.imports.model import Code, Fault, Said
from devices.imports.store import Lines
from ledger.model import Scope


class Gateways:
    """Waits for gateways; a row without any costs nothing."""

    def __init__(self, conn: Connection[Any], by: Scope, now: datetime) -> None:
        self._conn, self._by, self._now = conn, by, now
        self._waiting: dict[str, Said] = {}
        self._locked = False

    def wait_for(self, rows: list[Said]) -> None:
        self._waiting.update({said.device_id: said for said in rows})

    def place(self) -> Iterator[Fault]:
        """Those whose gateway is registered by now."""
        if not self._waiting:
            return
        if not self._locked:
            devices.lock_devices(self._conn)
            self._locked = True
        pairs = [(said.device_id, said.gateway or "") for said in self._waiting.values()]
        placed: dict[int, int] = {}
        lines = Lines()
        for device_id, device_no, gateway_no, has_gateway, has_children in store.list_gateways(
            self._conn, self._by.tenant_id, pairs
        ):
            if gateway_no is None:
                continue
            said = self._waiting.pop(device_id)
            why = gateway_fault(
                device_no,
                gateway_no,
                has_gateway=has_gateway or gateway_no in placed,
                has_children=has_children or device_no in placed.values(),
            )
            if why is not None:
                yield Fault(row=said.row, column="gateway", code=Code.GATEWAY_REFUSED, value=said.gateway or "")
                continue
            placed[device_no] = gateway_no
            lines.add("device.placed", device_id, {"gateway": said.gateway})
        if placed:
            store.place_devices(self._conn, placed)
            lines.append(self._conn, self._by, self._now)

    def rest(self) -> Iterator[Fault]:
        """Of the whole file: gateways that nobody registered."""
        for said in self._waiting.values():
            yield Fault(row=said.row, column="gateway", code=Code.NO_GATEWAY, value=said.gateway or "")
