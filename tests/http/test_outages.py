"""Whether a device is there, since when and why; and outages with what stands under them, for people and programs.

A device's page tells the time where its owner lives, here an hour ahead of UTC."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from api.http.house import House
from ingest.presence import folding, shown, store
from ingest.presence.listening import Gap
from ingest.presence.model import BridgeWord, Cause, State
from ingest.presence.silence import News
from tests.conftest import Database
from tests.http.conftest import a_device_body

NAMES = ("gw", "c1", "c2", "c3")


@pytest.fixture
def fleet(client: TestClient) -> dict[str, int]:
    """Three devices behind a gateway; their numbers."""
    numbers = {}
    for name in NAMES:
        answer = client.put(f"/api/devices/{name}", json=a_device_body(serial=name))
        numbers[name] = answer.json()["device_no"]
        where = {"gateway": None if name == "gw" else "gw", "site": "Mill 3"}
        assert client.put(f"/api/devices/{name}/place", json=where).status_code == 200
    return numbers


def tell(database: Database, at: datetime, state: State, *device_no: int) -> None:
    n, ms = len(device_no), round(at.timestamp() * 1000)
    news = News(
        device_no=np.array(device_no, np.int64),
        state=np.full(n, state, np.int64),
        since_ms=np.full(n, ms, np.int64),
        patience_ms=np.full(n, 180_000, np.int64),
        until_ms=np.full(n, ms + 3_600_000, np.int64),
    )
    with database.connect("foremend_worker") as conn:
        folding.write(conn, news, at)


def we_were_out(database: Database, since: datetime, until: datetime) -> None:
    gap = Gap(since_ms=round(since.timestamp() * 1000), until_ms=round(until.timestamp() * 1000), cause=Cause.LOG_DOWN)
    with database.connect("foremend_worker") as conn:
        folding.we_were_out(conn, gap, until)


def of(client: TestClient, device: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/devices/{device}").json()["presence"]
    return found


def test_a_device_says_since_when_and_why_it_is_away(
    database: Database, house: House, client: TestClient, fleet: dict[str, int]
) -> None:
    assert of(client, "c1") is None
    assert "Never heard" in client.get("/desk/devices/c1").text
    now = house.clock()
    tell(database, now - timedelta(hours=2), State.ONLINE, *fleet.values())
    assert of(client, "c1")["state"] == "ONLINE"
    tell(database, now - timedelta(hours=1), State.GONE, fleet["gw"])
    tell(database, now - timedelta(hours=1), State.SILENT, fleet["c1"], fleet["c2"])
    found = of(client, "c1")
    assert (found["state"], found["cause"], found["we_do_not_listen_since"]) == ("OFFLINE", "SILENCE", None)
    assert [(each["kind"], each["cause"]) for each in found["why"]] == [("DEVICE", "SILENCE"), ("GATEWAY", "LAST_WILL")]
    page = client.get("/desk/devices/c1").text
    for words in (
        "Offline",
        "2026-11-20 09:00",
        "silent for longer than it ever is",
        "waited for 3 min",
        "gateway gw is out",
    ):
        assert words in page, words
    chinese = client.get("/desk/devices/c1?lang=zh").text
    for words in ("离线", "静默时间超过", "其网关 gw 中断"):
        assert words in chinese, words
    tell(database, now, State.ONLINE, fleet["gw"])
    assert of(client, "c1")["state"] == "AWAITED"
    tell(database, now, State.ASLEEP, fleet["c3"])
    assert "until 2026-11-20 11:00" in client.get("/desk/devices/c3").text


def test_that_we_did_not_listen_is_said(
    database: Database, house: House, client: TestClient, fleet: dict[str, int]
) -> None:
    now = house.clock()
    tell(database, now - timedelta(hours=2), State.ONLINE, *fleet.values())
    we_were_out(database, now - timedelta(hours=1), now - timedelta(minutes=30))
    assert "We did not listen from 2026-11-20 09:00 to 2026-11-20 09:30" in client.get("/desk/devices/c1").text
    with database.connect("foremend_worker") as conn:
        folding.we_are_out(conn, now, Cause.LOG_FULL, now)
    assert "We have not been listening since 2026-11-20 10:00" in client.get("/desk/devices/c1").text
    assert of(client, "c1")["we_do_not_listen_since"] == "2026-11-20T09:00:00Z"


def test_outages_are_listed_as_one_fact_with_their_children_filtered_and_paged(
    database: Database, house: House, client: TestClient, fleet: dict[str, int]
) -> None:
    now = house.clock()
    tell(database, now - timedelta(hours=1), State.GONE, fleet["gw"])
    tell(database, now - timedelta(minutes=59), State.SILENT, fleet["c1"], fleet["c2"])
    we_were_out(database, now - timedelta(hours=9), now - timedelta(hours=8))

    def asked(query: str) -> list[str]:
        return [each["subject"] for each in client.get(f"/api/outages?{query}").json()["outages"]]

    assert sorted(asked("")) == ["c1", "c2", "gw", "log"]
    assert asked("lasts=true&top=true") == ["gw"]
    assert asked("lasts=false") == asked("kind=OURSELVES") == ["log"]
    assert asked("device=c1") == ["c1"]
    gateway = client.get("/api/outages?kind=GATEWAY").json()["outages"][0]
    assert (gateway["children"], gateway["cause"], gateway["ours"], gateway["patience_s"]) == (
        2,
        "LAST_WILL",
        False,
        180,
    )
    assert sorted(asked(f"under={gateway['outage_id']}")) == ["c1", "c2"]
    pages, older = [], ""
    while True:
        page = client.get(f"/api/outages?limit=3{older}").json()
        pages += [each["subject"] for each in page["outages"]]
        if page["next"] is None:
            break
        older = f"&older_than={page['next']}"
    assert sorted(pages) == ["c1", "c2", "gw", "log"]
    assert client.get("/api/outages?limit=501").status_code == 422
    page = client.get("/desk/outages").text
    for words in ("Gateway", "Devices: 2", "connection lost", "the log", "devices could not reach us"):
        assert words in page, words
    assert "2 台设备" in client.get("/desk/outages?lang=zh").text


def test_where_a_device_stands_is_refused_where_it_makes_no_sense(client: TestClient, fleet: dict[str, int]) -> None:
    assert client.get("/api/devices/c1").json()["gateway_no"] == fleet["gw"]
    for body, status in (
        ({"gateway": "c2"}, 409),
        ({"gateway": "c1"}, 409),
        ({"gateway": "no"}, 404),
        ({"site": ""}, 422),
    ):
        assert client.put("/api/devices/c1/place", json=body).status_code == status
    assert client.put("/api/devices/c1/place", json={}).json()["gateway_no"] is None


def test_other_tenants_outages_are_not_seen(database: Database, house: House, client: TestClient) -> None:
    with database.connect("foremend_worker") as conn:
        folding.hear_bridges(conn, [BridgeWord("other", "b", 0, 0, "mqtt://plant", connected=False)])
        folding.judge_brokers(conn, house.clock())
        assert store.list_brokers(conn)[0].outage_id is not None
    assert client.get("/api/outages").json()["outages"] == []


def test_what_ended_a_year_ago_is_forgotten_and_a_bridge_that_never_came_back_too(
    database: Database, house: House, client: TestClient, fleet: dict[str, int]
) -> None:
    now = house.clock()
    for days in (800, 300):
        tell(database, now - timedelta(days=days), State.GONE, fleet["c1"])
        tell(database, now - timedelta(days=days - 1), State.ONLINE, fleet["c1"])
    tell(database, now - timedelta(days=700), State.GONE, fleet["c2"])
    with database.connect("foremend_worker") as conn:
        folding.hear_bridges(conn, [BridgeWord("demo", "b", 0, 0, "mqtt://plant", connected=False)])
        folding.judge_brokers(conn, now - timedelta(days=40))
        shown.forget(conn, now, 100)
        assert store.list_brokers(conn) == []
    rows = client.get("/api/outages").json()["outages"]
    known = [(each["subject"], each["until"] is None) for each in rows]
    assert known == [("c1", False), ("c2", True), ("mqtt://plant", False)]


def test_who_is_there_and_what_is_out_is_counted(
    database: Database, house: House, client: TestClient, fleet: dict[str, int]
) -> None:
    tell(database, house.clock(), State.ONLINE, *fleet.values())
    tell(database, house.clock(), State.GONE, fleet["c1"])
    metrics = client.get("/metrics").text
    assert 'foremend_devices_present{state="online"} 3.0' in metrics
    assert 'foremend_devices_present{state="offline"} 1.0' in metrics
    assert 'foremend_outages{cause="last_will",kind="device"} 1.0' in metrics
    assert 'foremend_outages{cause="silence",kind="site"} 0.0' in metrics
