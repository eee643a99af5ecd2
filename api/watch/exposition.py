"""What the HTTP process knows, as Prometheus metrics: read from record and log when somebody scrapes."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.watch.checks import Check, State
from api.watch.doors import Door
from api.watch.standing import LogStanding, RecordStanding
from api.watch.waiting import Waiting
from api.watch.watch import Watch
from devices.model import DeviceState
from devices.twin.lifecycle import OPEN
from ingest.presence.model import Cause, Kind

_STATES = (State.OK, State.WARNING, State.FAILED)
_ENGAGEMENTS = ("NONE", "ASKED", "CONFIRMED", "DECLINED", "EXPIRED", "BYPASSED", "WITHDRAWN")
_OPEN = ("READY", "DISPATCHED", "IN_PROGRESS", "PENDING_CONFIRMATION")
_PRESENCE = ("ONLINE", "OFFLINE", "AWAITED", "ASLEEP")
_UNSETTLED = tuple((state, channel) for state in ("PENDING", "DEAD") for channel in ("webhook", "email"))


class HouseCollector(Collector):
    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def collect(self) -> Iterator[Metric]:
        standing = self._watch.standing()
        yield from _checks(self._watch.checks())
        yield from _doors(self._watch.doors())
        if isinstance(standing.record, RecordStanding):
            yield from _record(standing.record)
        if isinstance(standing.log, LogStanding):
            yield from _log(standing.log)
        waiting = self._watch.waiting() if isinstance(standing.record, RecordStanding) else None  # wait once, not twice
        if waiting is not None:
            yield from _waiting(waiting)


def registry_of(watch: Watch, *others: Collector) -> CollectorRegistry:
    """What is scraped: the house, this process, and what `others` count."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(HouseCollector(watch))
    for other in others:
        registry.register(other)
    return registry


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"foremend_{name}", words, value=value)


def _gauges(name: str, words: str, label: str, values: Mapping[str, float | None]) -> Metric:
    family = GaugeMetricFamily(f"foremend_{name}", words, labels=[label])
    for key, value in values.items():
        if value is not None:
            family.add_metric([key], value)
    return family


def _checks(checks: list[Check]) -> Iterator[Metric]:
    states = {check.name: float(_STATES.index(check.state)) for check in checks}
    yield _gauges("check_state", "What /readyz says: 0 well, 1 warning, 2 failed.", "check", states)


def _doors(doors: tuple[Door, ...]) -> Iterator[Metric]:
    if doors:
        days = {door.name: door.days_left for door in doors}
        yield _gauges("certificate_days", "Days until the certificate of a devices' door ends.", "door", days)


def _record(record: RecordStanding) -> Iterator[Metric]:
    yield _gauge("schema_version", "Which schema the record has.", record.schema_version or 0)
    yield _gauge("log_cursor_sequence", "How far the log was read, by whoever is farthest behind.", record.cursor)
    leases = {str(number): owned.lease_left_s for number, owned in enumerate(record.partitions)}
    yield _gauges("partition_lease_seconds", "How long the worker's lease runs; negative: over.", "partition", leases)
    cursors = {str(number): float(owned.cursor) for number, owned in enumerate(record.partitions)}
    yield _gauges("partition_cursor_sequence", "How far the partition has read the log.", "partition", cursors)
    turns = CounterMetricFamily("foremend_relay_turns", "Turns of the relay's loops.", labels=["loop"])
    for beat in record.beats:
        turns.add_metric([beat.loop], beat.turns)
    yield turns
    lags: dict[str, float | None] = dict(record.sealed_lags_s)
    words = "How long ago the last hour ended that is aggregated, or about to be."
    yield _gauges("sealed_lag_seconds", words, "class", lags)
    if record.door:
        happened = CounterMetricFamily("foremend_door", "What happened at the devices' door, ever.", labels=["what"])
        for what, said in sorted(record.door.items()):
            happened.add_metric([what.lower()], said.times)
        yield happened
    ages: dict[str, float | None] = {beat.loop: beat.age_s for beat in record.beats}
    yield _gauges("relay_silence_seconds", "Since when nothing was heard of a loop of the relay.", "loop", ages)


def _log(log: LogStanding) -> Iterator[Metric]:
    yield _gauge("log_head_sequence", "The log's newest message.", log.head.last_seq)
    yield _gauge("log_first_sequence", "The log's oldest message.", log.head.first_seq)
    yield _gauge("log_messages", "Messages that the log holds.", log.head.messages)
    yield _gauge("log_bytes", "Bytes that the log's stream holds.", log.head.bytes)
    yield _gauge("log_unread_messages", "Messages that are not in the record yet.", log.unread)
    if log.head.fronts:
        lags = {front.name: float(front.lag) for front in log.head.fronts}
        yield _gauges("front_lag_messages", "What a front holds that the log has not drawn.", "front", lags)
        silent = {front.name: front.silent_s for front in log.head.fronts}
        yield _gauges("front_silence_seconds", "Since when the log has not heard a front.", "front", silent)
    if log.unread_s is not None:
        yield _gauge("log_unread_seconds", "How long the oldest of them waits; 0 without one.", log.unread_s)
    if log.fill is not None:
        yield _gauge("log_store_bytes", "Bytes that the log's server keeps, of everything.", log.stored_bytes or 0)
        yield _gauge("log_store_limit_bytes", "How many it may keep.", log.limit_bytes or 0)
        yield _gauge("log_fill_ratio", "What of that is used up.", log.fill)


def _waiting(waiting: Waiting) -> Iterator[Metric]:
    """Of the tenant that this process serves. Every state has a line, also with nobody in it."""
    yield _gauge("findings_waiting", "Findings that the relay has not taken.", waiting.findings_waiting)
    yield _gauge("findings_set_aside", "Findings that could not become an alert.", waiting.findings_set_aside)
    yield _gauge("alerts_for_review", "Alerts that a person must look at.", waiting.alerts_for_review)
    yield _gauge("questions_open", "Questions that customers have not answered.", waiting.questions_open)
    opened = CounterMetricFamily("foremend_tickets_opened", "Tickets that were ever opened.")
    opened.add_metric([], waiting.tickets_opened)
    yield opened
    alerts = dict.fromkeys(_ENGAGEMENTS, 0) | waiting.alerts_active
    yield _gauges("alerts_active", "Active alerts, by what the customer was asked and said.", "engagement", alerts)
    tickets = dict.fromkeys(_OPEN, 0) | waiting.tickets_open
    yield _gauges("tickets_open", "Open tickets.", "state", tickets)
    deliveries = GaugeMetricFamily(
        "foremend_deliveries", "Deliveries on their way and given up.", labels=["state", "channel"]
    )
    for (state, channel), number in (dict.fromkeys(_UNSETTLED, 0) | waiting.deliveries).items():
        deliveries.add_metric([state.lower(), channel], number)
    yield deliveries
    yield _gauge("delivery_oldest_seconds", "How long the oldest pending delivery waits.", waiting.oldest_pending_s)
    yield from _presence(waiting)
    yield from _twins(waiting)


def _twins(waiting: Waiting) -> Iterator[Metric]:
    yield _gauge("twins_behind", "Devices that have not taken what is desired of them.", waiting.twins_behind)
    yield _gauge("twins_silent", "Those of them for which that is an hour old.", waiting.twins_silent)
    commands = {state.lower(): waiting.commands_open.get(state, 0) for state in OPEN}
    yield _gauges("commands_open", "Commands that wait for their devices, and that were sent.", "state", commands)


def _presence(waiting: Waiting) -> Iterator[Metric]:
    devices = {state.lower(): waiting.presence.get(state, 0) for state in _PRESENCE}
    lives = {state.lower(): waiting.lives.get(state, 0) for state in DeviceState}
    yield _gauges("devices_registered", "Devices by where they are in their lives.", "state", lives)
    yield _gauges("devices_present", "Devices by whether they are there.", "state", devices)
    outages = GaugeMetricFamily("foremend_outages", "Outages that last, ours included.", labels=["kind", "cause"])
    none = {(kind.value, Cause.SILENCE.value): 0 for kind in Kind if kind is not Kind.OURSELVES}
    for (kind, cause), number in (none | waiting.outages).items():
        outages.add_metric([kind.lower(), cause.lower()], number)
    yield outages
