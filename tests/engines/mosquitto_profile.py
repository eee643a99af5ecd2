"""The profile `mosquitto` of the compose file: the broker as its script starts it and the relay tells it, and clients
as other people's appliances would be."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import paho.mqtt.client as mqtt
import pytest
from prometheus_client import CollectorRegistry

from api import database as roof
from api.bench.mosquitto import binary
from api.engines.ports import free_port
from api.engines.process import wait_until
from api.mosquitto import keep
from api.mosquitto.setup import keeper_of
from api.settings import Settings
from api.watch.pulse import Pulse
from devices import catalogue, registry
from devices.credentials import issuing, seeds, store
from devices.credentials.model import Issued
from devices.model import Device
from ledger import scope
from ledger.model import Scope
from tests.conftest import Database, need
from tests.engines import compose
from tests.engines.compose import ROOT

HOST = "127.0.0.1"
AT_ONCE_S = 60.0  # against hanging: at once is when the record tells of it, not at some later look
PROMISED_S = 5.0  # within so long a revoked credential's session is over, though nobody tells of it
USUAL_POLL_S = keep.POLL_S
SOON_S = 60.0  # for what is to happen, whenever this machine comes to it


class Profile:
    """In a folder with secrets of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.house_port = folder, free_port(), free_port()
        self.certificates = folder / "certificates"
        self._process: subprocess.Popen[bytes] | None = None

    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text()

    def said(self) -> str:
        return (self.folder / "mosquitto.log").read_text()

    def start(self) -> None:
        told = compose.environment("mosquitto") | {
            "MOSQUITTO_DATA": str(self.folder / "data"),
            "MOSQUITTO_PORT": str(self.port),
            "MOSQUITTO_HOUSE_PORT": str(self.house_port),
            "MOSQUITTO_CERTIFICATE": str(self.certificates / "door"),
            "MOSQUITTO_DEVICES": str(self.folder / "devices"),
            "CERTIFICATE_LOOK_S": "0.2",
        }
        for name in ("REGISTRAR", "BRIDGE"):
            variable = f"MOSQUITTO_{name}_PASSWORD_FILE"
            told[variable] = str(self.folder / "secrets" / Path(told[variable]).name)
        path = f"{os.environ['PATH']}{os.pathsep}{Path(str(binary())).parent}"
        with (self.folder / "mosquitto.log").open("a") as log:
            script = [*compose.confined("mosquitto"), "/bin/sh", str(ROOT / "deploy" / "mosquitto.sh")]
            self._process = subprocess.Popen(script, env={"PATH": path, **told}, stdout=log, stderr=log)
        assert wait_until(self._is_open, 60), self.said()

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
            self._process = None

    def settings(self, database: Database) -> Settings:
        """As the compose file tells the relay, at other addresses."""
        told: dict[str, Any] = {
            target.removeprefix("foremend_"): self.secret(source)
            for target, source in compose.secrets("relay").items()
            if target in {"foremend_credential_key", "foremend_mosquitto_password"}
        }
        return database.settings(mosquitto_url=f"mqtt://{HOST}:{self.house_port}", **told)

    @contextmanager
    def kept(self, database: Database) -> Iterator[CollectorRegistry]:
        """The relay's loop, and what it counts."""
        with patch.object(keep, "POLL_S", 0.3):  # tests have less time than people
            yield from self._kept(database)

    def _kept(self, database: Database) -> Iterator[CollectorRegistry]:
        settings, registry, stop = self.settings(database), CollectorRegistry(), threading.Event()
        keeper = keeper_of(settings, registry)
        assert keeper is not None
        failed: list[BaseException] = []

        def run() -> None:
            try:
                with roof.connect(settings, "foremend_relay", stop=stop, autocommit=True) as conn:
                    keeper.run(conn, stop, Pulse("mosquitto"))
            except BaseException as error:  # noqa: BLE001 - the test is to see it
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield registry
        finally:
            stop.set()
            with database.connect() as conn:
                store.tell_of_change(conn)
            thread.join(60)
            assert failed == []
            assert not thread.is_alive()

    def _is_open(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0


@pytest.fixture
def profile() -> Iterator[Profile]:
    """Not below pytest's own tmp: as root Mosquitto goes on as a user who cannot enter that one."""
    need(binary(), "Mosquitto is not there (Debian: apt-get install mosquitto)")
    folder = Path(tempfile.mkdtemp(prefix="foremend-test-", dir="/tmp"))
    folder.chmod(0o755)
    (folder / "data").mkdir()
    subprocess.run(["/bin/sh", str(ROOT / "deploy" / "make-secrets.sh")], cwd=folder, check=True)
    made = Profile(folder)
    try:
        yield made
    finally:
        made.stop()
        while _clients:
            _clients.pop().leave()
        shutil.rmtree(folder)


_clients: list["Client"] = []  # of this test: each has a thread, which ends with it


class Client:
    """Whoever comes to the broker. `refused` and `lost` say why in its words."""

    def __init__(
        self,
        port: int,
        username: str | None,
        password: str | None,
        client_id: str,
        *,
        version: int = mqtt.MQTTv5,
        ca: Path | None = None,
        own: Path | None = None,
        will: str | None = None,
    ) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.refused = self.lost = ""
        self._in = threading.Event()
        self._codes: dict[int, list[Any]] = {}
        options: dict[str, Any] = {"reconnect_on_failure": False, "protocol": version}
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id, **options)
        self._client.username_pw_set(username, password)
        if ca is not None:
            files = (str(own / "cert.pem"), str(own / "key.pem")) if own else (None, None)
            self._client.tls_set(str(ca), *files)
        if will is not None:
            self._client.will_set(will, b"gone", qos=1, retain=True)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = lambda _c, _u, message: self.heard.append((message.topic, message.payload))
        self._client.on_subscribe = lambda _c, _u, number, codes, _p: self._codes.update({number: codes})
        self._client.on_publish = lambda _c, _u, number, code, _p: self._codes.update({number: [code]})
        _clients.append(self)
        try:
            self._client.connect(HOST, port)
        except OSError as error:
            self.refused = str(error)
            return
        self._client.loop_start()
        assert self._in.wait(SOON_S), "the broker says neither yes nor no"

    @property
    def is_in(self) -> bool:
        return self._in.is_set() and not self.refused and not self.lost

    def may_publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> bool:
        """Acknowledged without a word against it; with MQTT 3.1.1 nobody says one."""
        return self._allowed(self._client.publish(topic, payload, qos=1, retain=retain).mid)

    def may_subscribe(self, topic: str) -> bool:
        number = self._client.subscribe(topic, qos=1)[1]
        assert number is not None, self.lost
        return self._allowed(number)

    def vanish(self) -> None:
        """As when the power fails: the last will is spoken."""
        if (wire := self._client.socket()) is not None:
            wire.close()
        self._client.loop_stop()

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _allowed(self, number: int) -> bool:
        assert wait_until(lambda: number in self._codes or not self.is_in, 60)
        return number in self._codes and not self._codes[number][0].is_failure

    def _connected(self, _client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        self.refused = str(code) if code.is_failure else ""
        self._in.set()

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        self.lost = str(code)
        self._in.set()


class House:
    """A registry whose credentials the broker is told."""

    def __init__(self, database: Database, profile: Profile) -> None:
        self.database, self.profile = database, profile
        self._key = profile.secret("credential_key").encode()

    def device(self, device_id: str, tenant_id: str = "demo") -> Device:
        said = registry.Registration(device_id=device_id, class_id="refrigerator", model="F", serial=device_id)
        with self._transaction(tenant_id) as (conn, by):
            return registry.register(conn, catalogue.load(), said, by=by, now=datetime.now(UTC)).device

    def issue(self, device: Device, *, key: bool = True) -> Issued:
        with self._transaction(device.tenant_id) as (conn, by):
            make = seeds.maker(conn, self._key if key else None)
            return issuing.issue(conn, device, by=by, now=datetime.now(UTC), make=make)

    def rotate(self, device: Device, grace: timedelta = timedelta(days=1)) -> Issued:
        with self._transaction(device.tenant_id) as (conn, by):
            make = seeds.maker(conn, self._key)
            return issuing.rotate(conn, device, by=by, now=datetime.now(UTC), grace=grace, make=make)

    def used(self, issued: Issued) -> str | None:
        """From where it was last used."""
        with self.database.connect() as conn:
            (found,) = store.find_by_usernames(conn, [str(issued.username)]).values()
        return found.last_address

    def revoke(self, device: Device, n: int | None = None) -> None:
        with self._transaction(device.tenant_id) as (conn, by):
            issuing.revoke(conn, device, n, by=by, now=datetime.now(UTC))

    @contextmanager
    def _transaction(self, tenant_id: str) -> Iterator[tuple[Any, Scope]]:
        by = Scope(tenant_id=tenant_id, actor="staff:test")
        with self.database.connect("foremend_api") as conn, conn.transaction():
            scope.enter(conn, by)
            yield conn, by


def comes(profile: Profile, issued: Issued, **how: object) -> Client:
    client_id = str(how.pop("client_id", issued.username.client_id))
    password = str(how.pop("password", issued.password))
    return Client(profile.port, str(issued.username), password, client_id, **how)  # type: ignore[arg-type]


def comes_in(profile: Profile, issued: Issued, within_s: float = SOON_S, **how: object) -> Client:
    """When the broker has been told."""
    until = time.monotonic() + within_s
    while not (client := comes(profile, issued, **how)).is_in:
        client.leave()
        assert time.monotonic() < until, client.refused
        time.sleep(0.05)
    return client
