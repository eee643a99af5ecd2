"""The door's process: one loop answers NATS, one keeps up with what follows from it."""

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg import Connection

from api import database
from api.door import answering, sessions, upkeep
from api.door.doorkeeper import Doorkeeper
from api.door.notes import Notes
from api.door.token import Issuer
from api.door.upkeep import Upkeep
from api.patience import Patient
from api.settings import Settings
from api.watch import port
from api.watch.port import Turns

PATIENCE_S = 1.0  # for the record, while somebody stands at the door


class IssuerMissingError(Exception):
    def __init__(self) -> None:
        super().__init__("without FOREMEND_NATS_ISSUER nobody can be let in; deploy/make-secrets.sh makes it")


def servers(settings: Settings) -> list[str]:
    """The NATS servers that devices connect to."""
    return [name for name in settings.fronts.split(",") if name] or [sessions.ONLY]


def run(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set. Raises IssuerMissingError, and what killed a loop."""
    if settings.nats_issuer is None:
        raise IssuerMissingError
    notes, turns = Notes(), Turns(answering.LOOP, upkeep.LOOP)

    def connect() -> Connection[tuple[object, ...]]:
        conn = database.connect(settings, "foremend_relay", autocommit=True, connect_timeout=int(PATIENCE_S))
        assert isinstance(conn, Patient)
        conn.patience_s = PATIENCE_S
        return conn

    keeper = Doorkeeper(issuer=Issuer(settings.nats_issuer.get_secret_value()), connect=connect, notes=notes)
    logs = [Path(name) for name in settings.broker_logs.split(",") if name]
    keeping = Upkeep(settings=settings, notes=notes, servers=servers(settings), logs=logs, put_out=keeper.put_out)
    registry = CollectorRegistry()
    registry.register(_Meters(notes, keeper))
    with port.opened(settings, registry, turns), ThreadPoolExecutor(2, thread_name_prefix="door") as threads:
        loops = [
            threads.submit(answering.answer, settings, stop, keeper, turns),
            threads.submit(keeping.run, stop, turns),
        ]
        wait(loops, return_when=FIRST_COMPLETED)
        stop.set()
    keeper.close()
    for loop in loops:
        loop.result()


class _Meters(Collector):
    """What this process counts anyway, read when somebody scrapes."""

    def __init__(self, notes: Notes, keeper: Doorkeeper) -> None:
        self._notes, self._keeper = notes, keeper

    def collect(self) -> Iterator[Metric]:
        words = "What happened at the door: how devices were judged, and what NATS denied them."
        family = CounterMetricFamily("foremend_door_events", words, labels=["what"])
        for what, times in sorted(dict(self._notes.totals).items()):
            family.add_metric([what.lower()], times)
        yield family
        words = "Credentials that would let in without the record."
        yield GaugeMetricFamily("foremend_door_remembered", words, value=len(self._keeper.remembered))
