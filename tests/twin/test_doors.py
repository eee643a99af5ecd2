"""What is desired is left at doors that ask who comes, and at encrypted ones."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from api.engines.nats import Nats
from api.engines.ports import free_port
from api.relay.meters import RelayMeters
from api.relay.twins import Telling, login_of
from api.settings import Settings, SignIn
from api.watch import doors
from devices import catalogue
from devices.twin import orders, wishes
from ingest.adapter_doors import Address, Doors
from ingest.twin.model import Down
from simulators.obedient import Obedient
from tests import certificates
from tests.conftest import Database
from tests.engines.doorway import Doorway
from tests.processes import wait_for

pytestmark = pytest.mark.engines


@pytest.fixture
def door(engines_folder: Path, database: Database) -> Iterator[Doorway]:
    nats = Nats(engines_folder / "told", port=free_port(), mqtt_port=free_port(), sign_in=SignIn.REQUIRED)
    made = Doorway(nats=nats, database=database)
    try:
        nats.start()
        with made.answering():
            yield made
    finally:
        nats.stop()


def test_where_devices_sign_in_each_hears_what_is_desired_of_it_and_nothing_else(door: Doorway) -> None:
    mine, theirs = door.issue("d1"), door.issue("d2")
    classes = catalogue.load()
    with door.acting() as (conn, by, now):
        for name, value in (("d1", 30), ("d2", 40)):
            device = door.a_device(name)
            said = {"sampling_period_s": value}
            wishes.desire(conn, device, classes["refrigerator"], said, expected=0, by=by, now=now)
            orders.queue(conn, device, "ping", {}, expires_at=now + timedelta(hours=1), by=by, now=now)
    telling = Telling(door.settings, classes, RelayMeters())
    with door.database.connect("foremend_relay") as conn, closing(telling):
        assert telling.say_desired(conn) == 2
        heard = {}
        for issued in (mine, theirs):
            who = issued.username
            device = Obedient(f"fm/demo/{who.device_id}", who.client_id)
            device.connect("127.0.0.1", door.nats.mqtt_port, str(who), issued.password)
            assert device.subscribed.wait(60)
            heard[who.device_id] = device
        assert telling.send_commands(conn) == 2
        for name, value in (("d1", 30), ("d2", 40)):
            wait_for(lambda name=name: len(heard[name].heard) == 2)
            assert heard[name].heard[0] == ("desired", {"version": 1, "state": {"sampling_period_s": value}})
            heard[name].close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves a refused socket to the gc
def test_an_encrypted_door_keeps_what_is_desired_and_one_that_nobody_vouches_for_hears_nothing(
    engines_folder: Path, tmp_path: Path
) -> None:
    certificate = certificates.of_door(tmp_path)
    server = Nats(engines_folder / "hidden", port=free_port(), mqtt_port=free_port(), certificate=certificate)
    server.start()
    try:
        login = login_of(Settings(dsn="", nats_url=server.url))
        at, said = [Address("127.0.0.1", server.mqtt_port)], [Down("fm.demo.d1.down.desired", b"{}")]
        for trusted, kept in ((certificates.ca(tmp_path), 1), (None, 0)):
            with closing(Doors(at, *login, partial(doors.trusting, trusted))) as ours:
                assert ours.retain(said).doors == kept
        heard: list[bytes] = []
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="demo:d1")
        client.tls_set(str(certificates.ca(tmp_path)))
        client.on_connect = lambda *_: client.subscribe("fm/demo/d1/down/#", 1)
        client.on_message = lambda _c, _d, message: heard.append(message.payload)
        client.connect("127.0.0.1", server.mqtt_port)
        client.loop_start()
        wait_for(lambda: heard == [b"{}"])
        client.disconnect()
        client.loop_stop()
    finally:
        server.stop()
