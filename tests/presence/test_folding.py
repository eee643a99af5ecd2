"""Outages on a real record: one fact with its children under it, whoever of the workers saw what."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest

from api.worker import presence
from ingest.presence import folding, listening, store
from ingest.presence.listening import Gap, Listening
from ingest.presence.model import BridgeWord, Cause, State
from ingest.presence.silence import News
from tests.conftest import Database
from tests.ingest.record import register
from tests.presence.builders import HOUR, MINUTE, SECOND, START_MS

pytestmark = pytest.mark.engines
START = datetime.fromtimestamp(START_MS / 1000, UTC)
NAMES = ("gw", "c1", "c2", "c3", "lone")


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """A gateway with three behind it, and one that stands alone; numbers 1 to 5."""
    with database.connect() as owner:
        assert register(owner, *(("demo", name, "refrigerator") for name in NAMES)) == [1, 2, 3, 4, 5]
        owner.execute("UPDATE device SET gateway_no = 1 WHERE device_no IN (2, 3, 4)")
    with database.connect("foremend_worker", autocommit=False) as connection:
        yield connection


def tell(
    conn: psycopg.Connection[Any], state: State, at_s: int, *device_no: int, patience_ms: int = 3 * MINUTE
) -> None:
    """That these devices are that since then."""
    n = len(device_no)
    news = News(
        device_no=np.array(device_no, np.int64),
        state=np.full(n, state, np.int64),
        since_ms=np.full(n, START_MS + at_s * SECOND, np.int64),
        patience_ms=np.full(n, patience_ms, np.int64),
        until_ms=np.full(n, START_MS + HOUR, np.int64),
    )
    folding.write(conn, news, START + timedelta(seconds=at_s))


def outages(conn: psycopg.Connection[Any], *, lasting: bool = True) -> dict[str, tuple[Any, ...]]:
    """By subject: kind, what it stands under, how many stand under it, seconds from when to when."""
    rows = conn.execute(
        "SELECT o.subject, o.kind, parent.subject, o.children, o.since, o.until FROM outage AS o"
        " LEFT JOIN outage AS parent ON parent.outage_id = o.parent_id WHERE o.until IS NULL OR NOT %s ORDER BY since",
        [lasting],
    )
    return {
        subject: (kind, parent, children, (since - START).total_seconds(), until and (until - START).total_seconds())
        for subject, kind, parent, children, since, until in rows
    }


def states(conn: psycopg.Connection[Any]) -> dict[str, str]:
    return dict(conn.execute("SELECT device_id, presence.state FROM presence JOIN device USING (device_no)").fetchall())


def test_a_device_goes_out_once_and_comes_back(conn: psycopg.Connection[Any]) -> None:
    tell(conn, State.ONLINE, 0, 5)
    for _ in range(2):
        tell(conn, State.GONE, 10, 5)
    assert outages(conn) == {"lone": ("DEVICE", None, 0, 10, None)}
    assert states(conn) == {"lone": "OFFLINE"}
    tell(conn, State.ONLINE, 30, 5)
    assert outages(conn) == {}
    assert outages(conn, lasting=False) == {"lone": ("DEVICE", None, 0, 10, 30)}
    assert states(conn) == {"lone": "ONLINE"}


def test_children_of_a_gateway_stand_under_its_outage_whoever_was_noticed_first(conn: psycopg.Connection[Any]) -> None:
    tell(conn, State.ONLINE, 0, 1, 2, 3, 4, 5)
    tell(conn, State.SILENT, 50, 2)
    tell(conn, State.GONE, 100, 1)
    tell(conn, State.SILENT, 90, 3, 4, 5)
    assert outages(conn) == {
        "gw": ("GATEWAY", None, 3, 100, None),
        "c1": ("DEVICE", "gw", 0, 50, None),
        "c2": ("DEVICE", "gw", 0, 90, None),
        "c3": ("DEVICE", "gw", 0, 90, None),
        "lone": ("DEVICE", None, 0, 90, None),
    }


def test_who_was_out_long_before_its_gateway_is_out_on_its_own(conn: psycopg.Connection[Any]) -> None:
    tell(conn, State.SILENT, 0, 2)
    tell(conn, State.GONE, 3600, 1)
    assert outages(conn)["c1"] == ("DEVICE", None, 0, 0, None)


def test_when_the_gateway_is_back_those_behind_it_are_awaited_and_then_heard_or_out_on_their_own(
    conn: psycopg.Connection[Any],
) -> None:
    tell(conn, State.ONLINE, 0, 1, 2, 3, 4)
    tell(conn, State.GONE, 100, 1)
    tell(conn, State.SILENT, 90, 2, 3)
    tell(conn, State.ONLINE, 200, 1)
    assert outages(conn) == {}
    assert outages(conn, lasting=False)["gw"] == ("GATEWAY", None, 2, 100, 200)
    assert outages(conn, lasting=False)["c1"] == ("DEVICE", "gw", 0, 90, 200)
    assert states(conn) == {"gw": "ONLINE", "c1": "AWAITED", "c2": "AWAITED", "c3": "ONLINE"}
    assert sorted(store.list_awaited(conn)) == [(2, START_MS + 200 * SECOND), (3, START_MS + 200 * SECOND)]
    tell(conn, State.ONLINE, 210, 3)
    tell(conn, State.SILENT, 200, 2)
    assert outages(conn) == {"c1": ("DEVICE", None, 0, 200, None)}
    assert states(conn)["c2"] == "ONLINE"


def test_a_gateway_is_there_when_somebody_behind_it_is_heard(conn: psycopg.Connection[Any]) -> None:
    tell(conn, State.GONE, 100, 1)
    assert store.list_gateways_out(conn) == [(1, START_MS + 100 * SECOND, [2, 3, 4])]
    folding.prove(conn, [1], [START_MS + 150 * SECOND])
    assert outages(conn) == {}
    assert states(conn) == {"gw": "AWAITED"}


def at_a_site(conn: psycopg.Connection[Any], *device_no: int) -> None:
    with psycopg.connect(conn.info.dsn, user="postgres", autocommit=True) as owner:
        owner.execute(
            "WITH site AS (INSERT INTO site (tenant_id, name) VALUES ('demo', 'Mill 3') ON CONFLICT DO NOTHING)"
            " UPDATE device SET site = 'Mill 3', gateway_no = NULL WHERE device_no = ANY(%s)",
            [list(device_no)],
        )


def test_a_site_that_falls_silent_together_is_one_outage_until_its_first_device_is_back(
    conn: psycopg.Connection[Any],
) -> None:
    at_a_site(conn, 1, 2, 3, 4, 5)
    tell(conn, State.ONLINE, 0, 1, 2, 3, 4, 5)
    tell(conn, State.SILENT, 60, 1, 2, 3)
    assert {kind for kind, *_ in outages(conn).values()} == {"DEVICE"}, "three of five are no site"
    tell(conn, State.SILENT, 70, 4)
    assert outages(conn)["Mill 3"] == ("SITE", None, 4, 60, None)
    tell(conn, State.GONE, 80, 5)
    assert outages(conn)["lone"] == ("DEVICE", "Mill 3", 0, 80, None)
    assert outages(conn)["Mill 3"][2] == 5
    tell(conn, State.ONLINE, 500, 2)
    assert outages(conn) == {}
    assert outages(conn, lasting=False)["Mill 3"] == ("SITE", None, 5, 60, 500)
    assert states(conn) == {"c1": "ONLINE", **dict.fromkeys(("gw", "c2", "c3", "lone"), "AWAITED")}


def test_two_devices_or_such_as_fell_apart_in_time_are_no_site(conn: psycopg.Connection[Any]) -> None:
    at_a_site(conn, 1, 2, 3)
    tell(conn, State.ONLINE, 0, 1, 2, 3)
    tell(conn, State.SILENT, 60, 1, 2)
    tell(conn, State.SILENT, 60 + 600, 3)
    assert "Mill 3" not in outages(conn)


def test_a_gateway_with_all_of_a_site_behind_it_explains_the_site(conn: psycopg.Connection[Any]) -> None:
    with psycopg.connect(conn.info.dsn, user="postgres", autocommit=True) as owner:
        owner.execute("INSERT INTO site (tenant_id, name) VALUES ('demo', 'Mill 3')")
        owner.execute("UPDATE device SET site = 'Mill 3' WHERE device_no < 5")
    tell(conn, State.ONLINE, 0, 1, 2, 3, 4)
    tell(conn, State.GONE, 60, 1)
    tell(conn, State.SILENT, 60, 2, 3, 4)
    assert "Mill 3" not in outages(conn)
    assert outages(conn)["gw"][2] == 3


def a_word(at_s: int, *, connected: bool, bridge: str = "b1", devices: tuple[str, ...] = ()) -> BridgeWord:
    return BridgeWord("demo", bridge, 7, START_MS + at_s * SECOND, "mqtt://plant:1883", connected, devices)


def judge_brokers(conn: psycopg.Connection[Any], at_s: int) -> None:
    now = START + timedelta(seconds=at_s)
    store.silence_bridges(conn, now - folding.BRIDGE_SILENCE, 0, 63)
    folding.judge_brokers(conn, now)


def test_a_broker_is_out_when_no_bridge_reaches_it_and_its_devices_stand_under_it(
    conn: psycopg.Connection[Any],
) -> None:
    folding.hear_bridges(
        conn, [a_word(0, connected=True, devices=("lone", "stranger")), a_word(0, connected=True, bridge="b2")]
    )
    tell(conn, State.ONLINE, 0, 5)
    folding.hear_bridges(conn, [a_word(5, connected=False)])
    judge_brokers(conn, 6)
    assert outages(conn) == {}, "the other bridge reaches it"
    folding.hear_bridges(conn, [a_word(8, connected=False, bridge="b2")])
    judge_brokers(conn, 9)
    tell(conn, State.SILENT, 2, 5)
    assert outages(conn) == {
        "mqtt://plant:1883": ("BROKER", None, 1, 8, None),
        "lone": ("DEVICE", "mqtt://plant:1883", 0, 2, None),
    }
    folding.hear_bridges(conn, [a_word(60, connected=True)])
    judge_brokers(conn, 61)
    assert outages(conn) == {}
    assert outages(conn, lasting=False)["mqtt://plant:1883"][4] == 60
    assert states(conn) == {"lone": "AWAITED"}


def test_a_bridge_that_is_silent_is_not_connected_but_only_whoever_reads_it_knows(
    conn: psycopg.Connection[Any],
) -> None:
    folding.hear_bridges(conn, [a_word(0, connected=True)])
    store.silence_bridges(conn, START + timedelta(minutes=9), 8, 63)
    folding.judge_brokers(conn, START + timedelta(minutes=10))
    assert outages(conn) == {}
    judge_brokers(conn, 29)
    assert outages(conn) == {}
    judge_brokers(conn, 31)
    assert outages(conn)["mqtt://plant:1883"][:4] == ("BROKER", None, 0, 0)
    assert conn.execute("SELECT cause FROM outage").fetchone() == ("SILENCE",)


def test_our_own_outage_is_one_row_whoever_saw_it(conn: psycopg.Connection[Any]) -> None:
    gap = Gap(since_ms=START_MS, until_ms=START_MS + 60 * SECOND, cause=Cause.LOG_DOWN)
    folding.we_are_out(conn, START, Cause.LOG_DOWN, START + timedelta(seconds=20))
    folding.we_are_out(conn, START, Cause.LOG_DOWN, START + timedelta(seconds=25))
    assert outages(conn) == {"log": ("OURSELVES", None, 0, 0, None)}
    for late_ms in (0, 4 * SECOND):
        folding.we_were_out(conn, Gap(**{**vars(gap), "since_ms": START_MS + late_ms}), START)
    assert outages(conn, lasting=False) == {"log": ("OURSELVES", None, 0, 0, 60)}


def test_when_devices_could_reach_us_is_known_from_the_server_and_our_last_sign_of_life() -> None:
    before = Listening(since_ms=1_000, heard_ms=100_000)
    same, none = listening.after(before, 105_000, 500, None)
    assert (same, none) == (Listening(since_ms=1_000, heard_ms=105_000), None)
    restarted, gap = listening.after(before, 105_000, 103_000, None)
    assert (restarted.since_ms, gap) == (103_000, Gap(since_ms=100_000, until_ms=103_000, cause=Cause.LOG_DOWN))
    back, gap = listening.after(before, 105_000, 500, Cause.LOG_FULL)
    assert (back.since_ms, gap) == (105_000, Gap(since_ms=100_000, until_ms=105_000, cause=Cause.LOG_FULL))
    worker, gap = listening.after(before, 900_000, 500, None)
    assert worker == Listening(since_ms=1_000, heard_ms=900_000), "the log lived: devices could reach it all the while"
    assert gap == Gap(since_ms=100_000, until_ms=900_000, cause=Cause.WORKER_DOWN)
    unknown, gap = listening.after(before, 900_000, None, None)
    assert (unknown.since_ms, gap is not None) == (900_000, True)
    assert listening.after(None, 900_000, None, None) == (Listening(since_ms=900_000, heard_ms=900_000), None)


@pytest.mark.parametrize("started_ms", [500, None])
def test_a_worker_that_was_away_for_half_a_minute_missed_nothing(started_ms: int | None) -> None:
    before = Listening(since_ms=1_000, heard_ms=100_000)
    assert listening.after(before, 130_000, started_ms, None) == (Listening(since_ms=1_000, heard_ms=130_000), None)
    _, gap = listening.after(before, 130_001, started_ms, None)
    assert gap is not None
    assert (gap.since_ms, gap.until_ms) == (100_000, 130_001)


def test_a_log_that_started_when_it_was_last_heard_is_the_same_and_time_does_not_run_back() -> None:
    before = Listening(since_ms=1_000, heard_ms=100_000)
    assert listening.after(before, 99_000, 100_000, None) == (before, None)
    back, gap = listening.after(before, 99_000, None, Cause.LOG_DOWN)
    assert (back, gap) == (
        Listening(since_ms=99_000, heard_ms=99_000),
        Gap(since_ms=100_000, until_ms=100_000, cause=Cause.LOG_DOWN),
    )


@pytest.mark.parametrize(
    ("limit_bytes", "room_bytes"), [(1 << 30, 1 << 20), (1 << 20, (1 << 20) // 100)], ids=["large", "small"]
)
def test_a_log_is_full_when_hardly_a_message_or_a_hundredth_of_it_is_left(limit_bytes: int, room_bytes: int) -> None:
    def facts(left_bytes: int) -> dict[str, Any]:
        return {"jetstream": {"stats": {"storage": limit_bytes - left_bytes}, "config": {"max_storage": limit_bytes}}}

    assert [presence.is_full(facts(left)) for left in (room_bytes - 1, room_bytes)] == [True, False]
    assert not presence.is_full({"jetstream": {}}), "nobody says so"


def test_what_the_record_says_is_read_as_it_was_written(conn: psycopg.Connection[Any]) -> None:
    for state, number in ((State.ONLINE, 1), (State.SILENT, 2), (State.GONE, 3), (State.DEAD, 4), (State.ASLEEP, 5)):
        tell(conn, state, number, number)
    known = store.list_presence(conn)
    assert dict(zip(known.device_no.tolist(), known.state.tolist(), strict=True)) == {1: 1, 2: 2, 3: 3, 4: 4, 5: 6}
    assert sorted(known.since_ms.tolist()) == [START_MS + number * SECOND for number in range(1, 6)]
    asleep = known.device_no == 5
    assert (set(known.until_ms[asleep]), set(known.until_ms[~asleep])) == ({START_MS + HOUR}, {0})
