"""Another broker's devices, with time that runs fast: that it is stopped is one fact."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.bench.mosquitto import Mosquitto
from api.bridge import herald as bridge_herald
from tests.conftest import Database, NatsServer
from tests.ingest.bridging import a_mosquitto, an_order
from tests.ingest.record import register
from tests.presence.town import ask, crowd, hurry, lasting, learn, states
from tests.processes import bridging, wait_for, working

pytestmark = pytest.mark.engines
NAMES = ("d1", "d2")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path) as server:
        yield server


def test_a_broker_that_is_away_is_one_fact_with_its_devices_under_it(
    broker: Mosquitto, database: Database, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    monkeypatch.setattr(bridge_herald, "EVERY_S", 0.1)
    start = nats_server.clear()
    with database.connect() as conn:
        register(conn, *(("demo", name, "refrigerator") for name in NAMES))
        conn.execute("UPDATE partition SET cursor = %s", [start])
    name = f"127.0.0.1:{broker.port}"
    below = dict.fromkeys(NAMES, ("DEVICE", "SILENCE", name))
    with (
        working(database.settings(nats_url=nats_server.secret_url)),
        bridging(nats_server.url, an_order(broker.url)),
        crowd(broker.port, *NAMES, prefix="plant", suffix="state"),
    ):
        wait_for(lambda: ask(database, "SELECT count(*) FROM presence WHERE broker IS NOT NULL") == [(2,)])
        learn(database, *NAMES)
        broker.stop()
        wait_for(lambda: lasting(database) == {name: ("BROKER", "DISCONNECTED", None), **below})
        # Where this bridge took long to come to it at first, it was away then, too, with nobody under it.
        assert ask(database, "SELECT children FROM outage WHERE kind = 'BROKER' AND until IS NULL") == [(2,)]
        broker.start()
        wait_for(lambda: lasting(database) == {} and set(states(database).values()) == {"ONLINE"})
    assert ask(database, "SELECT count(*) FROM refusal") == [(0,)]
