"""After a power cut the log may lack its end, which the record has: that is said, and what came since is kept."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from api.engines.nats import Nats
from api.engines.ports import free_port
from ingest.adapter_log import Head
from ingest.errors import LogLostError
from ingest.partition import Claim
from ingest.standing import Standing, judge
from tests.conftest import Database, NatsServer
from tests.ingest.builders import a_reading
from tests.ingest.house import House, a_house, now_ms
from tests.processes import wait_for, working


@pytest.mark.parametrize(
    ("cursor", "log_made", "read_ms", "there_ms", "expected"),
    [
        (0, None, None, None, Standing.NEW),
        (7, None, None, 5, Standing.NEW),  # a record whose cursor was set by hand
        (0, "yesterday", None, None, Standing.NEW),
        (10, "today", 5, 5, Standing.SAME),
        (10, "today", 5, None, Standing.SAME),  # purged: nobody can tell
        (10, "today", None, 5, Standing.SAME),
        (11, "today", 5, None, Standing.SHORTENED),
        (10, "today", 5, 6, Standing.SHORTENED),  # the number was given again
    ],
)
def test_the_cursor_is_believed_in_the_log_it_counted_in(
    cursor: int, log_made: str | None, read_ms: int | None, there_ms: int | None, expected: Standing
) -> None:
    claim = Claim(epoch=1, cursor=cursor, log_made=log_made, received_ms=read_ms)
    head = Head(made="today", first_seq=1, last_seq=10, messages=10, bytes=0)
    assert judge(claim, head, there_ms) is expected


@pytest.mark.parametrize(("cursor", "log_made"), [(3, "yesterday"), (11, None)])
def test_another_log_than_the_records_is_a_sentence(cursor: int, log_made: str | None) -> None:
    claim = Claim(epoch=1, cursor=cursor, log_made=log_made, received_ms=5)
    with pytest.raises(LogLostError, match=rf"another log up to {cursor} .* empty record"):
        judge(claim, Head(made="today", first_seq=1, last_seq=10, messages=10, bytes=0), 5)


@pytest.fixture
def nats(engines_folder: Path) -> Iterator[NatsServer]:
    engine = Nats(engines_folder / "cut", port=free_port(), mqtt_port=free_port())
    engine.start()
    yield NatsServer(engine=engine)
    engine.stop()
    shutil.rmtree(engines_folder / "cut")


@pytest.fixture
def house(database: Database, nats: NatsServer) -> Iterator[House]:
    with a_house(database, nats) as made:
        yield made


class Store:
    """The log's folder, as it was once."""

    def __init__(self, house: House, folder: Path) -> None:
        self._engine, self._store, self._kept = house.nats.engine, folder / "cut" / "nats" / "store", folder / "kept"

    def remember(self) -> None:
        self._engine.stop()
        subprocess.run(["cp", "-a", self._store, self._kept], check=True)
        self._engine.start()

    def replace(self) -> None:
        """As a power cut leaves it: what came after `remember` is gone."""
        self._engine.stop()
        shutil.rmtree(self._store)
        if self._kept.exists():
            self._kept.rename(self._store)
        self._engine.start()


@pytest.mark.engines
@pytest.mark.parametrize("since", [0, 2, 9], ids=["nobody spoke since", "fewer than were lost", "more than were lost"])
def test_a_log_without_its_end_is_read_on_and_what_came_since_is_kept(
    house: House, engines_folder: Path, since: int
) -> None:
    store, at = Store(house, engines_folder), now_ms() - 100_000
    speak(house, at, 5)
    with working(house.settings):
        house.caught_up()
    store.remember()
    speak(house, at + 5_000, 5)
    with working(house.settings):
        house.caught_up()
    store.replace()
    assert house.nats.state().last_seq == 5
    speak(house, at + 10_000, since)
    with structlog.testing.capture_logs() as said, working(house.settings):
        wait_for(lambda: house.one("SELECT epoch FROM partition") == 3)
        wait_for(lambda: house.one("SELECT cursor FROM partition") == 5 + since)
        speak(house, at + 20_000, 3)
        house.caught_up()
    assert house.one("SELECT count(*) FROM reading_refrigerator") == 10 + since + 3
    assert house.refusals() == []
    (error,) = [entry for entry in said if entry["log_level"] == "error"]
    assert (error["lost_from"], error["lost_to"]) == (6, 10)


@pytest.mark.engines
def test_another_log_stops_the_worker_unless_nothing_was_read_yet(house: House, engines_folder: Path) -> None:
    store, at = Store(house, engines_folder), now_ms() - 100_000
    with working(house.settings):
        wait_for(lambda: house.one("SELECT log_made FROM partition") is not None)
    store.replace()
    speak(house, at, 3)
    with working(house.settings):
        house.caught_up()
    assert house.one("SELECT count(*) FROM reading_refrigerator") == 3
    store.replace()
    with pytest.raises(LogLostError, match="another log"), working(house.settings) as running:
        wait_for(running.done)


def speak(house: House, at: int, count: int) -> None:
    house.publish(*[a_reading(at + i * 1000, power_w=80.0 + i) for i in range(count)])
