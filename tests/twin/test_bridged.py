"""A device of another broker is told the same, by the bridge to that broker: a real Mosquitto."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.bench.mosquitto import Mosquitto
from api.bridge import run as bridge
from api.bridge import setup as bridge_setup
from ingest.errors import MapError
from ingest.twin import bridged
from simulators.obedient import Obedient, a_memory
from simulators.told import Told
from tests.ingest.bridging import a_client, a_mosquitto, an_order
from tests.ingest.house import House
from tests.processes import bridging, wait_for
from tests.twin.conftest import Desk, at_work

UP, DOWN = "plant/+/up/+=fm/demo/{1}/up/{2}", "fm/demo/+/down/+=plant/{1}/down/{2}"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path) as running:
        yield running


@contextmanager
def joined(house: House, broker: Mosquitto, client_id: str) -> Iterator[None]:
    order = an_order(broker.url, "plant/+/up/#", maps=(UP,), client_id=client_id)
    order = bridge.Order(broker=order.broker, mapping=order.mapping, way_down=bridge_setup.way_down([DOWN], None))
    with bridging(house.nats.url, order):
        yield


@contextmanager
def a_device(broker: Mosquitto, memory: Told) -> Iterator[Obedient]:
    device = Obedient("plant/d1", "demo:d1", memory).connect("127.0.0.1", broker.port)
    assert device.subscribed.wait(60)
    try:
        yield device
    finally:
        device.close()


@contextmanager
def listening(broker: Mosquitto) -> Iterator[list[bytes]]:
    """To what is desired of the device, from what that broker keeps on."""
    said: list[bytes] = []
    with a_client(broker.port, "listening") as client:
        client.on_message = lambda _c, _d, message: said.append(message.payload)
        wait_for(client.is_connected)
        client.subscribe("plant/d1/down/desired", 1)
        yield said


@pytest.mark.engines
def test_what_is_desired_and_told_goes_through_the_bridge_and_comes_back(
    house: House, desk: Desk, broker: Mosquitto
) -> None:
    with at_work(house), joined(house, broker, "down-1"), a_device(broker, a_memory()) as device:
        wait_for(lambda: device.report() or desk.twin()["reported_at"])  # until the bridge listens
        ping = desk.sends(minutes=20)
        wait_for(lambda: desk.command(ping)["state"] == "SUCCEEDED")
        desk.desires(sampling_period_s=30)
        wait_for(lambda: desk.twin()["lag"] == 0)
    memory = a_memory()
    with a_device(broker, memory) as back:  # that broker has it for whoever comes, also while we are away
        wait_for(lambda: memory.state["sampling_period_s"] == 30)
        assert [kind for kind, _ in back.heard] == ["desired"]
    before = desk.twin()["reported_at"]
    with at_work(house), joined(house, broker, "down-1"), listening(broker) as said:
        with a_device(broker, memory) as device:
            wait_for(lambda: device.report() or desk.twin()["reported_at"] > before)  # until the bridge listens
        wait_for(lambda: said)
        desk.moves("RETIRED")
        wait_for(lambda: said[-1] == b"")  # so the bridge has told that broker to forget it
    with a_device(broker, memory) as retired:
        pass
    assert retired.heard == []


@pytest.mark.engines
def test_what_was_desired_while_the_bridge_was_away_is_said_again(house: House, desk: Desk, broker: Mosquitto) -> None:
    memory = a_memory()
    with at_work(house):
        desk.desires(sampling_period_s=45)
        wait_for(lambda: desk.twin()["says"] == 1)
        with joined(house, broker, "down-2"), a_device(broker, memory) as device:
            wait_for(lambda: device.report() or desk.twin()["lag"] == 0)
            assert (memory.version, memory.state["sampling_period_s"]) == (1, 45)


@pytest.mark.parametrize(
    ("rule", "subject", "said"),
    [
        (DOWN, "fm.demo.d1.down.desired", ("plant/d1/down/desired", True)),
        (DOWN, "fm.demo.d1.down.command", ("plant/d1/down/command", False)),
        (DOWN, "fm.other.d1.down.command", None),
        (DOWN, "fm.demo.d1.down.reset", None),
        ("fm/+/+/down/command={1}/{2}/cmd", "fm.demo.d1.down.command", ("demo/d1/cmd", False)),
        ("fm/demo/d1/down/desired=twin", "fm.demo.d1.down.desired", ("twin", True)),
        ("fm/demo/d1/down/desired=twin", "fm.demo.d2.down.desired", None),
    ],
)
def test_what_goes_down_has_their_topic(rule: str, subject: str, said: tuple[str, bool] | None) -> None:
    told = bridged.WayDown([bridged.parse(rule)]).pass_on(subject, b"x")
    assert (told and (told.topic, told.retain)) == said


def test_a_bridge_hears_of_what_its_rules_name_and_of_nothing_else() -> None:
    way_down = bridge_setup.way_down([DOWN], "demo")
    assert way_down.subjects == ("fm.demo.*.down.command", "fm.demo.*.down.desired", "fm.demo.*.down.rebirth")
    assert bridge_setup.way_down((), None).subjects == ()


@pytest.mark.parametrize(
    "text",
    [
        "fm/demo/+/down/+",
        "fm/demo/+/up/+=plant/{1}/{2}",
        "fm/demo/+/down/#=plant/{1}/{2}",
        "fm/demo/+/down/reset=plant/{1}",
        "fm/demo/+/down/+=plant/{1}",
        "fm/demo/+/down/+=plant/{2}",
        "fm/demo/+/down/+=plant/{1}/{3}",
        "fm/demo/+/down/+=plant/+/{1}/{2}",
        "fm/demo/d1/down/desired=",
    ],
)
def test_a_rule_that_would_mix_devices_or_kinds_is_refused(text: str) -> None:
    with pytest.raises(MapError):
        bridged.parse(text)
