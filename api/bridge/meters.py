"""What only a bridge knows: how much came, what became of it, what is under way."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.bridge.adapter_bridge import Bridge, Counts


class BridgeMeters(Collector):
    """`counts` are kept by the bridge anyway and read when somebody scrapes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.counts = Counts()
        self._bridge: Bridge | None = None
        self.registry.register(self)
        self.waits = Counter(
            "foremend_bridge_waits",
            "Times that the bridge waited for a broker or log that was away.",
            ["kind"],
            registry=self.registry,
        )
        self.forgotten = Counter(
            "foremend_bridge_sessions_forgotten",
            "Times that the broker had forgotten our session when we came back.",
            registry=self.registry,
        )

    @contextmanager
    def connected(self, bridge: Bridge) -> Iterator[None]:
        self._bridge = bridge
        try:
            yield
        finally:
            self._bridge = None

    @property
    def is_connected(self) -> bool:
        return self._bridge is not None

    def collect(self) -> Iterator[Metric]:
        counts, bridge = self.counts, self._bridge
        for name, words, value in (
            ("received", "Messages that the broker sent, repeats included.", counts.received),
            ("acknowledged", "Messages that the log has stored and the broker may forget.", counts.acknowledged),
            ("redelivered", "Messages that the broker sent again.", counts.redelivered),
            ("unsure", "Messages with QoS 0, which nobody would send again.", counts.unsure),
            ("too_large", "Messages that were cut, and are refused.", counts.too_large),
            ("rebirths", "Times that an edge node was asked for its births.", counts.rebirths),
            ("told", "Desired states and commands that went on to devices.", counts.told),
        ):
            yield CounterMetricFamily(f"foremend_bridge_{name}", words, value=value)
        fates = CounterMetricFamily(
            "foremend_bridge_topics", "Messages by what became of their topic.", labels=["fate"]
        )
        for fate, number in counts.fates.items():
            fates.add_metric([fate.value], number)
        yield fates
        spoken = GaugeMetricFamily("foremend_bridge_protocol", "1: of MQTT, with the broker.", labels=["version"])
        if bridge is not None:
            spoken.add_metric([bridge.protocol.value], 1)
        yield spoken
        yield GaugeMetricFamily("foremend_bridge_connected", "1: to broker and log.", value=bridge is not None)
        under_way = bridge.under_way if bridge else 0
        yield GaugeMetricFamily("foremend_bridge_under_way", "Published, not yet stored.", value=under_way)
