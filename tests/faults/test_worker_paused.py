"""A worker that is stopped in the midst of its work loses the partition; awake again it writes nothing and waits."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from tests import appliance
from tests.conftest import Database, NatsServer
from tests.faults.crew import LONG, a_worker, cursor_of, looks_again, now_of
from tests.faults.test_worker_killed import left_behind, messages, two_records
from tests.processes import wait_for

pytestmark = pytest.mark.engines

LEASE_S = 6.0  # of one that lives it runs out on no busy machine
PAUSES = 10 if LONG else 1


@contextmanager
def speaking(nats: NatsServer, sent: list[tuple[str, bytes]]) -> Iterator[Callable[[], int]]:
    """Devices that speak all the while; how much was acknowledged."""
    enough, acknowledged = threading.Event(), itertools.count()
    done = [0]

    def speak() -> None:
        for name, text in itertools.cycle(sent):  # for as long as it takes
            if enough.wait(0.002):
                return
            appliance.publish(device, [(f"fm/demo/{name}/up/telemetry", text)])
            done[0] = next(acknowledged) + 1

    with (
        appliance.let_in(appliance.a_client("faults-pause"), nats.mqtt_port) as device,
        ThreadPoolExecutor(1) as mouth,
    ):
        spoken = mouth.submit(speak)
        try:
            yield lambda: done[0]
        finally:
            enough.set()
        spoken.result()


def epoch_of(database: Database) -> int:
    with database.connect() as conn:
        return int((conn.execute("SELECT epoch FROM partition").fetchone() or (0,))[0])


def test_a_worker_that_sleeps_past_its_successors_start_writes_nothing_when_it_wakes(
    new_database: Callable[[], Database], nats_server: NatsServer
) -> None:
    disturbed, undisturbed, start = two_records(new_database, nats_server)
    with ExitStack() as house:
        acknowledged = house.enter_context(speaking(nats_server, messages(seed=9)))
        crew = [a_worker(disturbed.dsn, nats_server.url, LEASE_S) for _ in range(2)]
        for worker in crew:
            house.callback(worker.stop)
        for turn in range(1, PAUSES + 1):
            wait_for(lambda: epoch_of(disturbed) == turn and cursor_of(disturbed) > start + 20)  # noqa: B023
            time.sleep(0.013 * turn)  # anywhere in a batch
            owner = next(worker for worker in crew if worker.pid == owner_of(disturbed))
            owner.pause()
            wait_for(lambda: epoch_of(disturbed) == turn + 1)  # noqa: B023
            moved = cursor_of(disturbed)
            wait_for(lambda: cursor_of(disturbed) > moved)  # noqa: B023
            woken = now_of(disturbed)
            owner.wake()
            wait_for(lambda: looks_again(disturbed, woken))  # noqa: B023
            assert epoch_of(disturbed) == turn + 1, "it has taken the partition back from one that lives"
            assert owner.lives(), "awake it waits for its turn"
        spoken = acknowledged()
    assert spoken > 100
    for database in (disturbed, undisturbed):
        worker = a_worker(database.dsn, nats_server.url, LEASE_S)
        wait_for(lambda: cursor_of(database) == nats_server.state().last_seq)  # noqa: B023
        worker.stop()
    assert left_behind(disturbed) == left_behind(undisturbed)


def owner_of(database: Database) -> int:
    with database.connect() as conn:
        (owner,) = conn.execute("SELECT owner FROM partition").fetchone() or ("",)
    return int(owner.rpartition(":")[2])
