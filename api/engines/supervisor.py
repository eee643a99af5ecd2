"""Everything that `foremend up` runs: started in one order, watched, ended in the other.

Order of start: PostgreSQL, schema, NATS, door (if devices must sign in), worker, relay, api, fleet. Order of death: the
reverse, so that nobody loses what somebody above still wants to write.
"""

import http
import http.client
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import psycopg

from api import classes, schema
from api.engines import account as accounts
from api.engines import folder, ports
from api.engines.certificates import CertificateError
from api.engines.errors import EngineError
from api.engines.nats import Nats
from api.engines.nats_request import NatsRequestError
from api.engines.nats_streams import stream_state
from api.engines.plan import Plan
from api.engines.postgres import Postgres
from api.engines.process import Child
from api.engines.progress import CatchUp, Display, FleetProgress
from api.engines.service import Service, Watched, WatchedEngine
from api.settings import Settings, SignIn
from ledger.statements import Statements

_TICK_S = 0.1
_LOOK_S = 1.0
_API_START_S = 300  # three interpreters import at once on a busy machine
_sql = Statements("api")


class Supervisor:
    """`run` returns when `stop` is set and everything has ended. Raises EngineError, NewerSchemaError and others
    whose message is one sentence, after having ended everything."""

    def __init__(self, plan: Plan, display: Display, stop: threading.Event, on_ready: Callable[[], None]) -> None:
        self._plan = plan
        self._display = display
        self._stop = stop
        self._on_ready = on_ready
        self._account = accounts.choose()
        self._postgres = Postgres(plan.data, account=self._account, sync=plan.sync)
        self._nats = Nats(
            plan.data,
            port=plan.nats_port,
            mqtt_port=plan.mqtt_port,
            account=self._account,
            sync_always=plan.power_safe,
            certificate=plan.certificate,
            sign_in=plan.sign_in,
        )
        self._watched: list[Watched] = []  # in the order of start
        self._fleet = FleetProgress()
        self._next_renewal_s = 0.0
        self._wrong_certificate = ""

    def run(self) -> None:
        folder.refuse_foreign(self._plan.data)
        accounts.prepare(self._plan.data, self._account)
        with folder.locked(self._plan.data), folder.answering(self._plan.data, self._plan.desk_url):
            end_left(self._plan.data)
            ports.check(self._plan.ports())
            try:
                self._start()
                self._watch()
            finally:
                self._end()

    def _start(self) -> None:
        steps: list[tuple[str, Callable[[], None]]] = [
            ("PostgreSQL", lambda: self._begin(WatchedEngine("PostgreSQL", self._postgres, self._plan.backoff_s))),
            ("schema", self._apply_schema),
            ("NATS", lambda: self._begin(WatchedEngine("NATS", self._nats, self._plan.backoff_s))),
            *([("door", self._start_door)] if self._plan.sign_in is SignIn.REQUIRED else []),
            ("worker, relay, pages", self._start_house),
        ]
        if self._plan.fleet is not None:
            steps.append(("demo fleet", self._start_fleet))
        for name, start in steps:
            if self._stop.is_set():
                return
            begun = time.monotonic()
            start()
            self._display.say(f"{name} up in {time.monotonic() - begun:.1f} s")

    def _begin(self, something: Watched) -> None:
        self._watched.append(something)
        something.start()

    def _apply_schema(self) -> None:
        with psycopg.connect(self._postgres.dsn, user="postgres", autocommit=True) as conn:
            try:
                schema.apply(conn, classes.of(Settings.from_environment(dsn=self._postgres.dsn)))
            except psycopg.Error as error:
                raise EngineError(f"the schema could not be brought up to date: {error}") from error

    def _start_door(self) -> None:
        """Devices wait for it, nobody else does."""
        self._begin_ours(
            "door", {"FOREMEND_NATS_ISSUER": self._nats.issuer, "FOREMEND_BROKER_LOGS": str(self._nats.said)}
        )

    def _begin_ours(self, name: str, more: Mapping[str, str] = MappingProxyType({})) -> None:
        env = self._plan.house_environment(os.environ, name, dsn=self._postgres.dsn, nats_url=self._nats.url)
        self._begin(Service(name, self._plan.house_command(name), {**env, **more}, plan=self._plan))

    def _start_house(self) -> None:
        for name in ("worker", "relay", "api"):
            self._begin_ours(name)
        deadline = time.monotonic() + _API_START_S
        while not self._stop.is_set() and not self._api_answers():
            self._look_after()
            if time.monotonic() > deadline:
                raise EngineError(f"the pages did not answer within {_API_START_S} s; see {self._plan.data / 'logs'}")
            time.sleep(_TICK_S)

    def _start_fleet(self) -> None:
        env = self._plan.fleet_environment(os.environ)
        self._begin(Service("fleet", self._plan.fleet_command(), env, plan=self._plan, on_line=self._hear_fleet))

    def _hear_fleet(self, line: str) -> None:
        self._fleet = self._fleet.heard(line)

    def _watch(self) -> None:
        catch_up, next_look_s = CatchUp(), 0.0
        while not self._stop.wait(_TICK_S):
            self._look_after()
            if not catch_up.ready and time.monotonic() >= next_look_s:
                next_look_s = time.monotonic() + _LOOK_S
                catch_up = self._look_at_progress(catch_up)
                if catch_up.ready:
                    self._on_ready()

    def _look_after(self) -> None:
        for something in self._watched:
            if news := something.look():
                self._display.say(news)
        if time.monotonic() >= self._next_renewal_s:
            self._next_renewal_s = time.monotonic() + _LOOK_S
            self._renew_certificate()

    def _renew_certificate(self) -> None:
        """What is wrong is said once; what was served before is served on."""
        try:
            if self._nats.renew():
                self._display.say("the devices' door has a new certificate; those who are connected stay")
            self._wrong_certificate = ""
        except CertificateError as error:
            if str(error) != self._wrong_certificate:
                self._display.say(f"{error}; the old one is served on")
            self._wrong_certificate = str(error)

    def _look_at_progress(self, before: CatchUp) -> CatchUp:
        live = self._plan.fleet is None or self._fleet.phase == "live"
        try:
            seen = before.seen(live=live, head=stream_state(self._nats.url).last_seq, cursor=self._cursor())
        except (NatsRequestError, psycopg.Error):
            return before  # an engine is being started again; the next look will tell
        if seen.head:
            self._display.progress("worker catches up, messages", min(seen.cursor, seen.head), seen.head)
        elif self._fleet.phase == "history":
            self._display.progress("history sent, readings", self._fleet.done, self._fleet.total)
        elif self._fleet.total:
            self._display.progress("appliances and engineers registered", self._fleet.done, self._fleet.total)
        return seen

    def _cursor(self) -> int:
        with psycopg.connect(self._postgres.dsn, user="foremend_worker", connect_timeout=2) as conn:
            row = conn.execute(_sql.read_progress).fetchone()
        return int(row[0]) if row else 0

    def _api_answers(self) -> bool:
        asked = http.client.HTTPConnection("127.0.0.1", self._plan.http_port, timeout=2)
        try:
            asked.request("GET", "/livez")  # whether all is well is not ours to wait for
            return asked.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asked.close()

    def _end(self) -> None:
        self._display.say("Stopping everything, in order ...")
        for something in reversed(self._watched):
            something.end()


def end_left(data: Path) -> None:
    """End what a killed supervisor left on this data, in the order of death."""
    for name in ("fleet", "api", "relay", "worker", "door"):
        Child(name, data / "pids" / name).end()
    Nats(data, port=0, mqtt_port=0).stop()
    Postgres(data).stop()
