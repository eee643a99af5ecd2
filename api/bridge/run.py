"""The bridge: what another broker keeps for us goes into the log. It needs no database.

Whatever breaks off is begun again with a fresh connection to both sides, later and later, and never in step with other
bridges. What no waiting mends (a refused login or filter, before it ever worked) ends the process.
"""

import random
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace

import structlog

from api.bridge.herald import Herald
from api.bridge.meters import BridgeMeters
from api.settings import Settings
from api.watch import port
from api.watch.port import Turns
from ingest.bridge.adapter_bridge import Bridge
from ingest.bridge.adapter_mqtt import Broker
from ingest.bridge.foreign import Mapping
from ingest.bridge.packets import FOR_EVER_S
from ingest.bridge.versions import Protocol
from ingest.errors import BrokerError, BrokerRefusesError, LogError, SessionTakenError
from ingest.twin.bridged import WayDown

_TURN_S = 0.5
_FLUSH_S = 10.0
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 30.0
_SETTLED_S = 2.0  # of one connection: what ends earlier has mended nothing, whatever came through
_TAKEN = 6  # failures that count at once when another bridge has our session: whoever hurries throws it out again
_SAY_S = 60.0
_log = structlog.get_logger("bridge")


@dataclass(frozen=True, kw_only=True)
class Order:
    """`broker` reads its files anew for each connection: passwords and certificates are renewed while we run."""

    broker: Callable[[], Broker]
    mapping: Mapping
    way_down: WayDown = field(default_factory=WayDown)  # to that broker's devices and edge nodes


def run(settings: Settings, stop: threading.Event, order: Order) -> None:
    """Until `stop` is set. Raises BrokerRefusesError."""
    meters, turns = BridgeMeters(), Turns("bridge")
    broker, url = order.broker(), settings.nats_url.get_secret_value()
    name = f"{broker.host}:{broker.port}"
    herald = Herald(url, broker.account.client_id, name, order.mapping, lambda: meters.is_connected)
    with port.opened(settings, meters.registry, turns), herald.speaking():
        _Bridging(settings, order, meters, turns, herald).go_on(stop)


def wait_s(failures: int, chance: float) -> float:
    """Doubling, and with `chance` (0 to 1) somewhere in the upper half, so that many bridges do not come at once."""
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(failures, 16))
    return longest * (0.5 + chance / 2)


class _Bridging:
    def __init__(self, settings: Settings, order: Order, meters: BridgeMeters, turns: Turns, herald: Herald) -> None:
        self._herald = herald
        self._nats_url = settings.nats_url.get_secret_value()
        self._order, self._meters, self._turns = order, meters, turns
        self._worked = False  # once, at least
        self._only_v3 = False  # the broker does not speak 5
        self._said_s = 0.0
        self._displaced = 0

    def go_on(self, stop: threading.Event) -> None:
        failures = 0
        while not stop.is_set():
            self._turns.mark("bridge")
            before, since_s = self._meters.counts.acknowledged, time.monotonic()
            try:
                self._session(stop)
            except (BrokerError, LogError) as error:
                self._herald.changed()
                if isinstance(error, BrokerRefusesError) and not self._worked:
                    raise
                if self._meters.counts.acknowledged > before and time.monotonic() - since_s > _SETTLED_S:
                    failures = 0
                if isinstance(error, SessionTakenError):
                    failures = max(failures, _TAKEN)
                pause_s = wait_s(failures, random.random())  # noqa: S311 - spreads, hides nothing
                failures += 1
                self._meters.waits.labels(type(error).__name__).inc()
                _log.warning("waiting", error=str(error), kind=type(error).__name__, seconds=round(pause_s, 2))
                stop.wait(pause_s)

    def _session(self, stop: threading.Event) -> None:
        counts, mapping = self._meters.counts, self._order.mapping
        with closing(Bridge(self._broker(), self._nats_url, mapping, counts, self._order.way_down)) as bridge:
            self._only_v3 = bridge.protocol is Protocol.V3
            self._say_connected(bridge)
            with self._meters.connected(bridge):
                self._herald.changed()
                while not stop.is_set():
                    bridge.turn(_TURN_S)
                    self._turns.mark("bridge")
                    self._worked = self._worked or bridge.granted
                    self._say_now_and_then()
                bridge.finish(_FLUSH_S)
        _log.info("left", under_way=bridge.under_way)

    def _broker(self) -> Broker:
        broker = self._order.broker()
        return replace(broker, protocol=Protocol.V3) if self._only_v3 else broker

    def _say_connected(self, bridge: Bridge) -> None:
        welcome = bridge.welcome
        if self._worked and not welcome.resumed:
            _log.error("the broker has forgotten our session: what it took in meanwhile did not come to us")
            self._meters.forgotten.inc()
        session = "resumed" if welcome.resumed else "new"
        kept_s = None if welcome.session_expiry_s == FOR_EVER_S else welcome.session_expiry_s
        _log.info("connected", session=session, protocol=bridge.protocol.value, session_kept_s=kept_s)

    def _say_now_and_then(self) -> None:
        """What finds no place is refused by name; that it happens is said here too."""
        displaced = self._meters.counts.displaced
        now_s = time.monotonic()
        if displaced > self._displaced and now_s - self._said_s > _SAY_S:
            said = {fate.value: topic for fate, topic in self._order.mapping.displaced.items()}
            _log.warning("messages without a place; they are refused by name", count=displaced, last=said)
            self._displaced, self._said_s = displaced, now_s
