"""Says over the log how a bridge stands with its broker, and who came from there: every few seconds, and at once when
that changes. On a thread and a connection of its own, so that it speaks while the bridge waits for its broker."""

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from ingest import topics
from ingest.adapter_wire import Wire
from ingest.bridge.foreign import Mapping
from ingest.errors import LogError
from ingest.presence import will

EVERY_S = 10.0
DEVICES = 500  # of one message
_MESSAGES = 20  # of one turn; the others have theirs in the next
_TENANTS = 64
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9_-]")
_log = structlog.get_logger("bridge")


class Herald:
    """`client_id` names the bridge, `broker` what it joins; `connected` says whether it is."""

    def __init__(
        self, nats_url: str, client_id: str, broker: str, mapping: Mapping, connected: Callable[[], bool]
    ) -> None:
        self._nats_url, self._broker, self._mapping, self._connected = nats_url, broker, mapping, connected
        self._bridge_id = _NOT_IN_AN_ID.sub("_", client_id)[:64] or "bridge"
        self._wire: Wire | None = None
        self._said: set[tuple[str, str]] = set()
        self._changed = threading.Event()
        self._over = False

    @contextmanager
    def speaking(self) -> Iterator[None]:
        thread = threading.Thread(target=self._speak, name="herald", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over = True
            self.changed()
            thread.join(10)

    def changed(self) -> None:
        self._changed.set()

    def _speak(self) -> None:
        while not self._over:
            self._turn(connected=self._connected())
            self._changed.wait(EVERY_S)
            self._changed.clear()
        self._turn(connected=False)  # whoever is stopped brings nothing any more
        if self._wire is not None:
            self._wire.close()

    def _turn(self, *, connected: bool) -> None:
        """What the log cannot take now is said in the next turn."""
        try:
            self._wire = self._wire or Wire(self._nats_url)
            for tenant_id, device_ids in self._news():
                payload = will.say_bridge(self._broker, device_ids, connected=connected)
                self._wire.publish(topics.bridge(tenant_id, self._bridge_id), payload, {})
                self._said |= {(tenant_id, device_id) for device_id in device_ids}
        except LogError as error:
            _log.debug("the log does not hear how we stand", error=str(error))
            if self._wire is not None:
                self._wire.close()
            self._wire = None

    def _news(self) -> list[tuple[str, list[str]]]:
        """A message for every tenant, with the devices that nobody was told of; once all are told, it begins anew, for
        whoever lost what he was told."""
        came = self._mapping.devices()
        self._said &= came  # who was forgotten there is here, too: devices that somebody makes up are not kept for ever
        fresh = came - self._said
        if not fresh:
            self._said.clear()
        by_tenant: dict[str, list[str]] = defaultdict(list)
        for tenant_id, device_id in sorted(fresh):
            by_tenant[tenant_id].append(device_id)
        tenants = sorted({self._mapping.tenant_id, *(tenant_id for tenant_id, _ in came)})[:_TENANTS]
        pieces = [(tenant_id, by_tenant[tenant_id][:DEVICES]) for tenant_id in tenants]
        for tenant_id in tenants:
            left = by_tenant[tenant_id][DEVICES:]
            pieces += [(tenant_id, left[begin : begin + DEVICES]) for begin in range(0, len(left), DEVICES)]
        return pieces[: max(_MESSAGES, len(tenants))]
