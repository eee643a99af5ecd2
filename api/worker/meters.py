"""What only the worker knows: how large its batches are, how long they take, what it refused and waited for."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from api.worker.batch import Counts
from ingest.presence.model import State

_MESSAGES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 4000)
STATES = tuple(state for state in State if state is not State.UNKNOWN)
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class WorkerMeters:
    """`counts` are kept by the intake anyway and read when somebody scrapes; a batch costs two observations."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.counts = Counts()
        self.registry.register(_CountsCollector(self.counts))
        self._messages = Histogram(
            "foremend_batch_messages", "Messages in a transaction.", buckets=_MESSAGES, registry=self.registry
        )
        self._seconds = Histogram(
            "foremend_batch_seconds",
            "From a batch's first byte to its commit: decode, screen, keep, observe.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.hours = Counter(
            "foremend_hours_aggregated",
            "Hours of a device that were aggregated, again ones included.",
            registry=self.registry,
        )
        self.forgotten = Counter(
            "foremend_forgotten", "Rows that were kept for as long as they are kept.", ["what"], registry=self.registry
        )
        self.waits = Counter(
            "foremend_worker_waits",
            "Times that the worker waited for a database or log that was away.",
            ["kind"],
            registry=self.registry,
        )

        self.presence = Counter(
            "foremend_presence_changes",
            "Devices that came, went, are awaited or fell asleep.",
            ["state"],
            registry=self.registry,
        )
        for state in STATES:
            self.presence.labels(state.name.lower())

    def took(self, messages: int, seconds: float) -> None:
        self._messages.observe(messages)
        self._seconds.observe(seconds)


class _CountsCollector(Collector):
    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        counts = self._counts
        for name, words, value in (
            ("messages_committed", "Messages whose batch is committed.", counts.messages),
            ("readings_committed", "Readings that were new to the record.", counts.readings),
            ("readings_early", "Readings that did not wait for a backlog to be read.", counts.early),
            ("edge_births", "Births of Sparkplug's edge nodes and their devices.", counts.edge_births),
            ("edge_deaths", "Deaths of Sparkplug's edge nodes and their devices.", counts.edge_deaths),
            ("edge_gaps", "Times that a message of an edge node was missing.", counts.edge_gaps),
            ("edge_rebirths_wanted", "Times that an edge node's births were wanted again.", counts.rebirths_wanted),
        ):
            family = CounterMetricFamily(f"foremend_{name}", words)
            family.add_metric([], value)
            yield family
        refused = CounterMetricFamily("foremend_refusals", "What could not be kept as a reading.", labels=["reason"])
        for reason, number in dict(counts.refused).items():
            refused.add_metric([reason.value], number)
        yield refused
        words = "Messages that were refused whole, by the limit of their device that they were over."
        over = CounterMetricFamily("foremend_over_limit", words, labels=["traffic", "limit"])
        for labels, number in dict(counts.over).items():
            over.add_metric(labels, number)
        yield over
        words = "Where the worker's time goes; reading includes the wait for something to read."
        spent = CounterMetricFamily("foremend_worker_seconds", words, labels=["step"])
        for step, seconds in counts.steps.seconds.items():
            spent.add_metric([step], seconds)
        yield spent
