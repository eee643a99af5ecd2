"""Ready is a sentence for each part of the house, decided from what record and log say of themselves."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from api import database as roof
from api.http.app import staff_app
from api.http.house import House
from api.schema import SCHEMA_VERSION
from api.watch import checks
from api.watch import watch as watching
from api.watch.checks import Check, State, readiness
from api.watch.pulse import LOOPS, Pulse
from api.watch.standing import Beat, Happened, LogStanding, Ownership, RecordStanding, Standing, record_standing
from ingest.adapter_log import Front, Head
from tests.conftest import Database, NatsServer
from tests.http.conftest import BASE
from tests.processes import as_if_all_lived, wait_for

HEAD = Head(made="2026", first_seq=1, last_seq=100, messages=100, bytes=25_000)
OWNED = Ownership(owner="a:1", cursor=100, lease_left_s=8.0, still_s=3600.0)
BEATS = tuple(Beat(loop=loop, turns=9, age_s=2.0) for loop in LOOPS)
RECORD = RecordStanding(schema_version=SCHEMA_VERSION, partitions=(OWNED,), beats=BEATS)
LOG = LogStanding(head=HEAD, unread=0, unread_s=0.0, stored_bytes=10_000, limit_bytes=100_000)


def states(standing: Standing) -> dict[str, State]:
    return {check.name: check.state for check in readiness(standing)}


def said(name: str, standing: Standing) -> Check:
    return next(check for check in readiness(standing) if check.name == name)


def test_a_quiet_house_is_ready_however_long_nothing_came() -> None:
    assert set(states(Standing(record=RECORD, log=LOG)).values()) == {State.OK}


@pytest.mark.parametrize(
    ("unread_s", "still_s", "state"),
    [
        (0.2, 3600.0, State.OK),  # it has only just come
        (3600.0, 0.3, State.OK),  # a long backlog, and it is being read
        (60.0, 20.0, State.FAILED),
        (60.0, None, State.FAILED),
        (None, 20.0, State.FAILED),
    ],
)
def test_a_cursor_that_stands_before_unread_messages_is_a_failure(
    unread_s: float | None, still_s: float | None, state: State
) -> None:
    record = replace(RECORD, partitions=(replace(OWNED, cursor=40, still_s=still_s),))
    log = replace(LOG, unread=60, unread_s=unread_s)
    assert said("cursor", Standing(record=record, log=log)).state is state


@pytest.mark.parametrize(("lease_left_s", "words"), [(None, "ever read"), (-7.0, "ran out 7 s ago")])
def test_a_worker_without_a_lease_is_a_failure(lease_left_s: float | None, words: str) -> None:
    record = replace(RECORD, partitions=(replace(OWNED, lease_left_s=lease_left_s),))
    check = said("worker", Standing(record=record, log=LOG))
    assert (check.state, words in check.sentence) == (State.FAILED, True)


DOOR_BEAT = Beat(loop="door", turns=9, age_s=2.0)
GUARDED = replace(RECORD, beats=(*BEATS, DOOR_BEAT))


@pytest.mark.parametrize(
    ("record", "state", "words"),
    [
        (GUARDED, State.OK, "lives"),
        (RECORD, State.FAILED, "has never run"),
        (replace(RECORD, beats=(*BEATS, replace(DOOR_BEAT, age_s=45.0))), State.FAILED, "silent for 45 s"),
        (replace(GUARDED, door={"LOG_UNREADABLE": Happened(times=3, age_s=1.0)}), State.WARNING, "cannot read"),
        (replace(GUARDED, door={"LOG_UNREADABLE": Happened(times=3, age_s=99.0)}), State.OK, "lives"),
    ],
)
def test_a_door_that_does_not_answer_is_a_failure_where_devices_must_sign_in(
    record: RecordStanding, state: State, words: str
) -> None:
    check = said("door", Standing(record=record, log=LOG, signs_in=True))
    assert (check.state, words in check.sentence) == (state, True), check.sentence
    assert "door" not in states(Standing(record=record, log=LOG))


@pytest.mark.parametrize(
    ("door", "state"),
    [
        ({}, State.OK),
        ({"PUBLISH": Happened(times=1, age_s=3599.0)}, State.WARNING),
        ({"SUBSCRIBE": Happened(times=1, age_s=1.0)}, State.WARNING),
        ({"LIMITED": Happened(times=1, age_s=1.0)}, State.WARNING),
        ({"PUBLISH": Happened(times=1, age_s=3601.0)}, State.OK),
        ({"WRONG_PASSWORD": Happened(times=1, age_s=1.0)}, State.OK),
    ],
)
def test_what_a_device_was_denied_is_an_alarm_for_an_hour(door: dict[str, Happened], state: State) -> None:
    assert said("denied", Standing(record=replace(GUARDED, door=door), log=LOG, signs_in=True)).state is state


@pytest.mark.parametrize(
    ("silent_s", "state", "words"),
    [
        (0.4, State.OK, "draws from 2 fronts"),
        (41.0, State.WARNING, "front-2 (for 41 s)"),
        (None, State.WARNING, "(never)"),
    ],
)
def test_a_front_that_is_not_heard_is_named(silent_s: float | None, state: State, words: str) -> None:
    fronts = tuple(Front(name=f"front-{i}", drawn_seq=5, lag=0, silent_s=at) for i, at in ((1, 0.1), (2, silent_s)))
    check = said("fronts", Standing(record=RECORD, log=replace(LOG, head=replace(LOG.head, fronts=fronts))))
    assert (check.state, words in check.sentence) == (state, True), check.sentence


@pytest.mark.parametrize(
    ("leases", "state", "words"),
    [
        ((4.0, 3.0), State.OK, "Each of 2 partitions has its worker."),
        ((4.0, -40.2, 3.0), State.FAILED, "Partition 1 has had no worker for 40 s: "),
        ((4.0, None, -3.0), State.FAILED, "Partition 1 never had a worker, Partition 2 has had no worker for 3 s: "),
        ((-5.0,) * 8, State.FAILED, "Partition 2 has had no worker for 5 s and 5 more: "),
    ],
)
def test_partitions_without_a_worker_are_named(leases: tuple[float | None, ...], state: State, words: str) -> None:
    record = replace(RECORD, partitions=tuple(replace(OWNED, lease_left_s=left_s) for left_s in leases))
    check = said("worker", Standing(record=record, log=LOG))
    assert (check.state, words in check.sentence) == (state, True), check.sentence


def test_one_silent_loop_of_the_relay_is_a_failure_that_names_it() -> None:
    late = (*BEATS[:-1], replace(BEATS[-1], age_s=31.0))
    check = said("relay", Standing(record=replace(RECORD, beats=late), log=LOG))
    assert (check.state, check.sentence) == (State.FAILED, "The relay is silent: twins for 31 s.")
    assert said("relay", Standing(record=replace(RECORD, beats=BEATS[:2]), log=LOG)).state is State.FAILED


@pytest.mark.parametrize(
    ("stored", "state"),
    [(79_999, State.OK), (80_000, State.WARNING), (99_999, State.WARNING), (100_000, State.FAILED)],
)
def test_a_log_that_fills_up_is_a_warning_and_a_full_one_a_failure(stored: int, state: State) -> None:
    standing = Standing(record=RECORD, log=replace(LOG, stored_bytes=stored))
    assert said("log_room", standing).state is state
    assert checks.worst(readiness(standing)) is state


@pytest.mark.parametrize("version", [None, SCHEMA_VERSION - 1, SCHEMA_VERSION + 1])
def test_another_schema_is_a_failure_that_says_what_to_do(version: int | None) -> None:
    check = said("schema", Standing(record=replace(RECORD, schema_version=version), log=LOG))
    assert check.state is State.FAILED
    assert check.remedy == ("Upgrade Foremend." if (version or 0) > SCHEMA_VERSION else "Run: foremend migrate")


@pytest.fixture
def ready(database: Database, house: House, nats_server: NatsServer) -> Iterator[House]:
    """What worker and relay leave in the record while they live, and a log."""
    last = nats_server.clear()
    with as_if_all_lived(database, last):
        yield replace(house, settings=house.settings.model_copy(update={"nats_url": nats_server.secret_url}))


def asked(house: House) -> tuple[int, dict[str, Any]]:
    with TestClient(staff_app(house), base_url=BASE) as client:
        answer = client.get("/readyz")
    return answer.status_code, {check["name"]: check for check in answer.json()["checks"]}


def test_a_house_in_which_everybody_lives_is_ready(ready: House) -> None:
    status, found = asked(ready)
    assert {name: check["state"] for name, check in found.items()} == dict.fromkeys(
        ("record", "schema", "worker", "cursor", "relay", "log", "log_room"), "ok"
    )
    assert status == 200


def test_a_worker_that_is_gone_makes_the_house_not_ready(ready: House, database: Database) -> None:
    with database.connect() as conn:
        conn.execute("UPDATE partition SET lease_until = clock_timestamp() - interval '1 minute'")
    status, found = asked(ready)
    assert (status, found["worker"]["state"]) == (503, "failed")


def test_without_record_and_log_it_answers_within_its_patience_and_says_so(doorway: TestClient) -> None:
    answer = doorway.get("/readyz")
    assert answer.status_code == 503
    assert {check["name"] for check in answer.json()["checks"]} == {"record", "log"}
    assert doorway.get("/livez").json() == {"status": "ok"}


def all_have_looked() -> None:
    wait_for(lambda: not [thread for thread in threading.enumerate() if thread.name == "watch"])


def test_a_database_that_hangs_is_said_and_waited_for_by_one_thread(house: House, monkeypatch: Any) -> None:
    asked, over = [], threading.Event()

    def hang(*_: Any) -> Standing:
        asked.append(1)
        over.wait(60)
        return Standing(record="", log="")

    monkeypatch.setattr(watching, "look", hang)
    monkeypatch.setattr(watching, "PATIENCE_S", 0.02)
    watch = watching.Watch.of(house.settings, house.pool)
    try:
        assert [check.state for check in watch.checks() + watch.checks()] == [State.FAILED] * 4
    finally:
        over.set()
        all_have_looked()
    assert len(asked) == 1


def test_a_silent_door_is_named_and_one_that_is_not_encrypted_is_no_fault(house: House, monkeypatch: Any) -> None:
    over = threading.Event()
    monkeypatch.setattr(watching.doors, "look", lambda *_: over.wait(60))
    monkeypatch.setattr(watching, "PATIENCE_S", 0.02)
    encrypted = house.settings.model_copy(update={"mosquitto_door": "127.0.0.1:1"})
    try:
        assert [door.name for door in watching.Watch.of(encrypted, house.pool).doors()] == ["mosquitto"]
        assert watching.Watch.of(house.settings, house.pool).doors() == ()
    finally:
        over.set()
        all_have_looked()


def test_a_loop_is_counted_on_every_turn_and_writes_now_and_then(database: Database) -> None:
    with database.connect("foremend_relay") as conn:
        pulse = Pulse("findings")
        for _ in range(50):
            pulse.beat(conn)
        assert conn.execute("SELECT turns FROM pulse").fetchone() == (1,)
        pulse._due_s = 0.0
        pulse.beat(conn)
        assert conn.execute("SELECT turns FROM pulse").fetchone() == (51,)


def test_what_is_looked_at_may_be_read_by_every_process(database: Database) -> None:
    for role in ("foremend_api", "foremend_worker", "foremend_relay"):
        with roof.connect(database.settings(), role) as conn:  # type: ignore[arg-type]
            assert checks.schema(record_standing(conn).schema_version).state is State.OK
