"""What the relay knows of its Mosquitto, for Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge


class Meters:
    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, words: str) -> Gauge:
            return Gauge(f"foremend_mosquitto_{name}", words, registry=registry)

        self._connected = gauge("connected", "1 while Mosquitto takes what we tell it.")
        self._clients = gauge("clients", "Credentials that Mosquitto knows.")
        self._waiting = gauge("credentials_waiting", "Live credentials that it has not been told yet.")
        self.unseeded = gauge("credentials_untellable", "Live credentials whose passwords nobody can tell it.")
        self.commands = Counter("foremend_mosquitto_commands", "Commands that it has done.", registry=registry)
        self.waits = Counter("foremend_mosquitto_waits", "Waits for a Mosquitto that was away.", registry=registry)

    @contextmanager
    def connected(self) -> Iterator[None]:
        self._connected.set(1)
        try:
            yield
        finally:
            self._connected.set(0)

    def stand(self, *, clients: int, waiting: int) -> None:
        self._clients.set(clients)
        self._waiting.set(waiting)
