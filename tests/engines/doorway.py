"""A door at which devices must sign in: NATS that asks, the process that answers, and a record of who may."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from unittest.mock import patch

import paho.mqtt.client as mqtt
from pydantic import SecretStr

from api.door import answering, run, upkeep
from api.door.doorkeeper import Doorkeeper
from api.door.upkeep import Upkeep
from api.engines.nats import Nats
from api.engines.nats_streams import StreamState, stream_state
from api.engines.process import wait_until
from api.settings import Settings
from devices import catalogue, registry
from devices.credentials import issuing
from devices.credentials.guessing import Guesses
from devices.credentials.model import Issued
from devices.model import Device
from devices.registry import Registration
from ingest.adapter_wire import Wire
from ledger import scope
from ledger.model import Scope
from tests.conftest import Database

AT_ONCE_S = 60.0  # against hanging: at once is when the record tells of it, not at some later look
PROMISED_S = 5.0  # within so long of its end a credential's session is over, though nobody tells of it
USUAL_POLL_S = upkeep.POLL_S


@dataclass
class Doorway:
    nats: Nats
    database: Database
    fronts: str = ""
    _turns: int = 0  # of its upkeep

    @property
    def settings(self) -> Settings:
        return self.database.settings(
            nats_url=SecretStr(self.nats.url),
            mqtt_port=self.nats.mqtt_port,
            device_sign_in="required",
            nats_issuer=SecretStr(self.nats.issuer),
            broker_logs=str(self.nats.said),
            fronts=self.fronts,
        )

    @contextmanager
    def answering(self) -> Iterator[None]:
        """The door's process, here as a thread that keeps up ten times as fast. To who guesses no time passes, however
        long a test takes."""
        stop, serving = threading.Event(), threading.Event()
        thread = threading.Thread(target=run.run, args=(self.settings, stop))
        keeper = partial(Doorkeeper, guesses=Guesses(every_s=3600.0))
        with (
            patch.object(run, "Doorkeeper", keeper),
            patch.object(answering, "_serve", self._noticed(serving, stop, answering._serve)),
            patch.object(upkeep.Upkeep, "turn", self._counted(upkeep.Upkeep.turn)),
            patch.object(upkeep, "POLL_S", 0.1),
            patch.object(upkeep, "HOARDERS_S", 0.2),
            patch.object(run, "PATIENCE_S", 8.0),  # for a record on a machine that is busy
        ):
            yield from self._while_alive(thread, stop, serving)

    def _while_alive(self, thread: threading.Thread, stop: threading.Event, serving: threading.Event) -> Iterator[None]:
        thread.start()
        try:
            assert serving.wait(60), "the door's thread has died, or NATS is not there"
            if self.fronts:
                time.sleep(0.5)  # so soon a core has told them; whoever comes before waits at a front for nothing
            yield
        finally:
            stop.set()
            thread.join(60)
            assert not thread.is_alive()

    def _counted(self, turn: Callable[[Upkeep, Any], None]) -> Callable[[Upkeep, Any], None]:
        def counted(keeping: Upkeep, conn: Any) -> None:
            turn(keeping, conn)
            if keeping.settings.dsn == self.database.dsn:
                self._turns += 1

        return counted

    def turns(self, times: int = 2) -> None:
        """Until the upkeep has looked so often: twice is once at all that happened before this."""
        whole = self._turns + times
        assert wait_until(lambda: self._turns >= whole, 60)

    @staticmethod
    def _noticed(serving: threading.Event, stop: threading.Event, serve: Callable[..., None]) -> Callable[..., None]:
        """From here on NATS has somebody to ask; whoever came before would wait for nothing."""

        def noticed(wire: Wire, stopped: threading.Event, *more: Any) -> None:
            if stopped is stop:
                serving.set()
            serve(wire, stopped, *more)

        return noticed

    @contextmanager
    def acting(self, tenant_id: str = "demo") -> Iterator[tuple[Any, Scope, datetime]]:
        by = Scope(tenant_id=tenant_id, actor="staff:desk")
        with self.database.connect("foremend_api", autocommit=False) as conn, conn.transaction():
            scope.enter(conn, by)
            yield conn, by, datetime.now(UTC)

    def a_device(self, device_id: str, tenant_id: str = "demo") -> Device:
        said = Registration(device_id=device_id, class_id="refrigerator", model="F", serial=device_id)
        with self.acting(tenant_id) as (conn, by, now):
            return registry.register(conn, catalogue.load(), said, by=by, now=now).device

    def issue(self, device_id: str, tenant_id: str = "demo") -> Issued:
        device = self.a_device(device_id, tenant_id)
        with self.acting(tenant_id) as (conn, by, now):
            return issuing.issue(conn, device, by=by, now=now)

    def rotate(self, device_id: str) -> Issued:
        with self.acting() as (conn, by, now):
            return issuing.rotate(conn, registry.find(conn, "demo", device_id), by=by, now=now)

    def revoke(self, device_id: str, n: int | None = None) -> None:
        with self.acting() as (conn, by, now):
            issuing.revoke(conn, registry.find(conn, "demo", device_id), n, by=by, now=now)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with self.database.connect() as conn:
            return conn.execute(query).fetchall()

    def log(self) -> StreamState:
        return stream_state(self.nats.url)


class Client:
    """A paho client, as somebody else's appliance would be. `code`: of CONNACK, None until it comes."""

    def __init__(
        self,
        port: int,
        username: str | None,
        password: str | None,
        client_id: str,
        *,
        address: str = "",
        will: str | None = None,
    ) -> None:
        self.code: int | None = None
        self.heard: list[str] = []
        self.granted: list[int] = []
        self.lost = threading.Event()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, reconnect_on_failure=False)
        self.client.username_pw_set(username, password)
        self.client.on_connect = self._connected
        self.client.on_disconnect = lambda *_: self.lost.set()
        self.client.on_message = lambda _c, _u, message: self.heard.append(message.topic)
        self.client.on_subscribe = lambda _c, _u, _m, codes, _p: self.granted.extend(code.value for code in codes)
        if will is not None:
            self.client.will_set(will, b"gone", qos=1)
        self.prepare(self.client)
        self.client.connect("127.0.0.1", port, bind_address=address)
        self.client.loop_start()
        assert wait_until(lambda: self.code is not None or self.lost.is_set(), 60)
        if self.code != 0:
            self.client.loop_stop()  # it ends by itself: whoever is turned away does not try again

    def prepare(self, client: mqtt.Client) -> None:
        """Where more is to be said before it connects."""

    def _connected(self, _c: Any, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        self.code = code.value

    @property
    def is_in(self) -> bool:
        return self.code == 0 and not self.lost.is_set()

    def publish(self, topic: str, payload: bytes = b"?", qos: int = 1) -> None:
        sent = self.client.publish(topic, payload, qos=qos)
        sent.wait_for_publish(60)
        assert sent.is_published(), topic

    def subscribe(self, topic: str) -> int:
        self.client.subscribe(topic, qos=1)
        assert wait_until(lambda: bool(self.granted), 60)
        return self.granted.pop()

    def vanish(self) -> None:
        """As when the power fails: the last will is spoken."""
        if (wire := self.client.socket()) is not None:
            wire.close()
        self.client.loop_stop()

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def client_of(door: Doorway, issued: Issued, **other: str) -> Client:
    said = {"username": str(issued.username), "password": issued.password, "client_id": issued.username.client_id}
    return Client(door.nats.mqtt_port, **{**said, **other})


def request_down(door: Doorway, device_id: str) -> None:
    """What the house says to it."""
    with closing(Wire(door.nats.url)) as wire:
        wire.tell(f"fm.demo.{device_id}.down.do", b"{}")
        wire.settle()


def denied(door: Doorway, device_id: str, kind: str) -> int:
    rows = door.ask(
        f"SELECT denied FROM denial JOIN device USING (device_no) WHERE device_id = '{device_id}' AND kind = '{kind}'"
        " AND denial.tenant_id = 'demo'"
    )
    return rows[0][0] if rows else 0


def at_once(callers: Sequence[Callable[[], Client]]) -> list[bool]:
    """Who of them is let in, all of them calling together."""

    def call(caller: Callable[[], Client]) -> bool:
        client = caller()
        client.leave()
        return client.code == 0

    with ThreadPoolExecutor(len(callers)) as threads:
        return list(threads.map(call, callers))
