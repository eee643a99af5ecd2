"""A small firm with one refrigerator, and the moves of a test in it: readings come, findings come, time passes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from devices import catalogue, registry
from devices.model import Device
from devices.registry import Owner, Registration
from ingest import history
from ingest.model import Batch
from ledger import outbox, scope
from ledger.model import Delivery, Event, Scope
from tests.conftest import Database
from ticketing.alerts import store as alerts
from ticketing.alerts.model import Alert
from ticketing.alerts.take import Took, take_findings
from ticketing.dispatch import store as dispatch
from ticketing.dispatch.model import Engineer
from ticketing.intake.model import Photo, Report, Submitted
from ticketing.intake.report import submit
from ticketing.questions import store as questions
from ticketing.questions.answer import answer
from ticketing.questions.closing import expire_due
from ticketing.questions.look import look_due
from ticketing.questions.model import Answered, AskPolicy, Choice, NoReason, Question, Verdict
from ticketing.tickets import store as tickets
from ticketing.tickets.model import Ticket

CLASSES = catalogue.load()
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DESK = Scope(tenant_id="demo", actor="staff:desk")
RULE = "on_time:power_w"
OTHER_RULE = "level:cabinet_temp_c"

Conn = psycopg.Connection[Any]


@dataclass
class Firm:
    database: Database
    now: datetime = NOW
    policy: AskPolicy = field(default_factory=AskPolicy)

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)

    @contextmanager
    def api(self, who: Scope = DESK) -> Iterator[Conn]:
        """A transaction as pages have it."""
        with self.database.connect("foremend_api", autocommit=False) as conn:
            scope.enter(conn, who)
            yield conn

    @contextmanager
    def relay(self) -> Iterator[Conn]:
        with self.database.connect("foremend_relay", autocommit=False) as conn:
            yield conn

    @contextmanager
    def worker(self) -> Iterator[Conn]:
        with self.database.connect("foremend_worker", autocommit=False) as conn:
            yield conn

    # who there is

    def device(self, device_id: str = "fridge-1", *, owner: Owner | bool = True, **facts: Any) -> Device:
        ann = Owner(name="Ann", language="en", time_zone="Europe/Berlin", email=f"{device_id}@example.org")
        said = Registration(
            **{
                "device_id": device_id,
                "class_id": "refrigerator",
                "model": "F-200",
                "serial": f"S-{device_id}",
                "region": "north",
                "owner": owner if isinstance(owner, Owner) else ann if owner else None,
                **facts,
            }
        )
        with self.api() as conn:
            return registry.register(conn, CLASSES, said, by=DESK, now=self.now).device

    def engineer(self, slug: str = "mei", **facts: Any) -> UUID:
        with self.api() as conn:
            return dispatch.put_engineer(conn, an_engineer(slug, **facts))

    # what happens

    def readings(self, device: Device, *, until: datetime | None = None, minutes: int = 30, step_s: int = 60) -> None:
        """One a minute up to now, each with a power that says which one it is."""
        end_ms = int((until or self.now).timestamp() * 1000)
        ts_ms = end_ms - np.arange(minutes)[::-1].astype(np.int64) * step_s * 1000
        appliance = CLASSES[device.class_id]
        values = np.full((minutes, len(appliance.metrics)), np.nan)
        values[:, 0] = 4.25
        values[:, 1] = np.arange(minutes) / 7
        batch = Batch(
            class_id=device.class_id,
            device_no=np.full(minutes, device.device_no, dtype=np.int64),
            ts_ms=ts_ms,
            seq=np.arange(1, minutes + 1, dtype=np.int64),
            received_ms=np.full(minutes, int(self.now.timestamp() * 1000), dtype=np.int64),
            values=values,
            flags=np.zeros(minutes, dtype=np.int64),
            extra=[None] * minutes,
        )
        with self.worker() as conn:
            history.keep(conn, CLASSES, [batch], [])

    def finding(self, device: Device, claim: str = "RAISED", rule: str = RULE, **facts: Any) -> None:
        with self.worker() as conn:
            insert_finding(conn, device, claim, rule, self.now, **facts)

    def take(self) -> list[Took]:
        with self.relay() as conn:
            return take_findings(conn, CLASSES, self.now)

    def look(self) -> list[Verdict]:
        with self.relay() as conn:
            return look_due(conn, catalogue=CLASSES, policy=self.policy, now=self.now)

    def expire(self) -> int:
        with self.relay() as conn:
            return expire_due(conn, self.now)

    def alert(self, device: Device, rule: str = RULE) -> Alert:
        """Raised, and not yet looked at."""
        self.finding(device, rule=rule)
        self.take()
        return self.alerts(device)[0]

    def question(self, device: Device, rule: str = RULE) -> Question:
        """An alert, and its customer asked."""
        self.readings(device)
        self.alert(device, rule)
        assert self.look() == [Verdict.ASK]
        return self.questions()[0]

    def answer(
        self, question: Question, choice: Choice = Choice.YES, reason: NoReason | None = None, **more: Any
    ) -> Answered:
        with self.api() as conn:
            return answer_in(conn, question, choice, reason, **{"now": self.now, **more})

    def ticket(self, device: Device) -> Ticket:
        """Through the whole road: alert, question, yes."""
        ticket = self.answer(self.question(device)).ticket
        assert ticket is not None
        return ticket

    def report(self, device: Device, words: str = "It is warm inside", **facts: Any) -> Submitted:
        with self.api() as conn:
            return submit(conn, a_report(device, words, **facts), now=self.now, catalogue=CLASSES)

    # what there is now

    def alerts(self, device: Device | None = None) -> list[Alert]:
        with self.api() as conn:
            return alerts.listed(conn, device_no=device.device_no if device else None)

    def questions(self) -> list[Question]:
        with self.api() as conn:
            return questions.listed(conn)

    def tickets(self) -> list[Ticket]:
        with self.api() as conn:
            return tickets.listed(conn)

    def events(self, subject_id: UUID) -> list[Event]:
        with self.api() as conn:
            return outbox.history(conn, str(subject_id))

    def kinds(self, subject_id: UUID) -> list[str]:
        return [event.kind for event in self.events(subject_id)]

    def deliveries(self, channel: str = "") -> list[Delivery]:
        """In the order in which they were written."""
        with self.api() as conn:
            return [d for d in reversed(outbox.listed(conn)) if d.destination.startswith(channel)]

    def count(self, table: str) -> int:
        with self.database.connect() as conn:
            (count,) = conn.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
            return int(count)


def an_engineer(slug: str = "mei", **facts: Any) -> Engineer:
    said: dict[str, Any] = {"regions": ("north",), "skills": ("refrigeration",), "level": 2, "load_cap": 5}
    return Engineer(
        **{"engineer_id": uuid4(), "tenant_id": "demo", "slug": slug, "name": slug.title(), **said, **facts}
    )


def a_report(device: Device, words: str = "It is warm inside", **facts: Any) -> Report:
    return Report(**{"device": device, "words": words, "channel": "qr", "actor": "label:fridge-1", **facts})


def a_photo() -> Photo:
    return Photo(sha256="ab" * 32, media_type="image/jpeg", size_bytes=1000)


def insert_finding(conn: Conn, device: Device, claim: str, rule: str, at: datetime, **facts: Any) -> None:
    row = {
        "tenant_id": device.tenant_id,
        "device_no": device.device_no,
        "rule": rule,
        "claim": claim,
        "metric": rule.partition(":")[2],
        "observed": 34.0,
        "expected": 21.0,
        "since": at - timedelta(hours=6),
        "at": at,
        "seq": 7,
        "evidence": {"unit": "min", "measure": "on_min"},
        **facts,
    }
    row["evidence"] = Jsonb(row["evidence"])
    columns = ", ".join(row)
    conn.execute(f"INSERT INTO finding ({columns}) VALUES ({', '.join(f'%({c})s' for c in row)})", row)
    conn.execute("NOTIFY finding")


def answer_in(
    conn: Conn, question: Question, choice: Choice = Choice.YES, reason: NoReason | None = None, **more: Any
) -> Answered:
    said: dict[str, Any] = {"version": question.version, "actor": f"customer:{question.customer_id}", "now": NOW}
    return answer(
        conn,
        question_id=question.question_id,
        choice=choice,
        reason=reason,
        catalogue=CLASSES,
        **{**said, **more},
    )


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run all at the same moment, each in a thread of its own; what each returned, or the error that it raised."""
    barrier, results = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[place] = work()  # type: ignore[call-overload]
        except Exception as error:  # noqa: BLE001 - the test judges it
            results[place] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=(i, work)) for i, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(results)


def blocked(database: Database) -> bool:
    """Is some session of this database waiting for another one's lock?"""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with database.connect() as conn:
        row = conn.execute(waiting).fetchone()
        return bool(row and row[0])
