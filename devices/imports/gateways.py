"""Rows that stand behind a gateway, which may come later in the file than they do."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from psycopg import Connection

from devices import store as devices
from devices.behind import refused_because
from devices.imports import store
from devices.imports.batch import Batch
from devices.imports.model import Code, Fault, Said
from devices.imports.store import Lines
from ledger.model import Scope


class Gateways:
    """Waits for gateways; a file without any costs nothing."""

    def __init__(self, conn: Connection[Any], by: Scope, now: datetime) -> None:
        self._conn, self._by, self._now = conn, by, now
        self._waiting: dict[int, Said] = {}
        self._parents: set[int] = set()  # devices with others behind them
        self._children: set[int] = set()  # placed by this file

    def wait_for(self, batch: Batch) -> None:
        if not batch.behind and not batch.free:
            return
        devices.lock_devices(self._conn)
        self._waiting.update({batch.numbers[said.device_id]: said for said in batch.behind})
        if batch.free:
            self._let_go(batch.free)
        if batch.standing:  # what is new has nobody behind it
            self._parents |= store.list_parents(self._conn, sorted(batch.standing))

    def _let_go(self, free: dict[int, str]) -> None:
        lines = Lines()
        for device_id in free.values():
            lines.add("device.placed", device_id, {"gateway": None})
        store.place_devices(self._conn, dict.fromkeys(free))
        lines.append(self._conn, self._by, self._now)

    def place(self) -> Iterator[Fault]:
        """Those whose gateway is registered by now."""
        if not self._waiting:
            return
        asked = sorted({said.gateway or "" for said in self._waiting.values()})
        found = store.list_gateways(self._conn, self._by.tenant_id, asked)
        placed, lines = {}, Lines()
        for device_no, said in list(self._waiting.items()):
            gateway = found.get(said.gateway or "")
            if gateway is None:
                continue
            del self._waiting[device_no]
            if self._fits(device_no, *gateway):
                placed[device_no] = gateway[0]
                lines.add("device.placed", said.device_id, {"gateway": said.gateway})
            else:
                yield Fault(row=said.row, column="gateway", code=Code.GATEWAY_REFUSED, value=said.gateway or "")
        if placed:
            store.place_devices(self._conn, placed)
            lines.append(self._conn, self._by, self._now)

    def rest(self) -> Iterator[Fault]:
        """Of the whole file: gateways that nobody registered."""
        for said in self._waiting.values():
            yield Fault(row=said.row, column="gateway", code=Code.NO_GATEWAY, value=said.gateway or "")

    def _fits(self, device_no: int, gateway_no: int, has_gateway: bool) -> bool:  # noqa: FBT001
        reason = refused_because(
            device_no,
            gateway_no,
            has_gateway=has_gateway or gateway_no in self._children,
            has_children=device_no in self._parents,
        )
        if reason is None:
            self._parents.add(gateway_no)
            self._children.add(device_no)
        return reason is None
