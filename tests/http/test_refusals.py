"""Refusals on the desk and in the API: found, shown without harm, and sent through the front door again."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import typer
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.cli import refusals as command
from api.http.app import staff_app
from api.http.house import House
from ingest.model import Reason
from tests.conftest import Database, NatsServer
from tests.http.conftest import BASE, a_device_body
from tests.http.scene import a_refusal, events
from tests.ingest.builders import a_reading
from tests.ingest.house import House as Road
from tests.ingest.house import a_house, now_ms
from tests.processes import working


def test_a_refusal_is_shown_with_its_bytes_and_can_do_no_harm(database: Database, client: TestClient) -> None:
    a_refusal(database, b"<script>alert(1)</script>\x00\x1b[31m\xff\xe2\x80\xae", topic="fm/demo/x\x1b/up/<b>")
    page = client.get("/desk/refusals").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x00\\x1b[31m\\xff\\u202e" in page
    assert "3c 73 63 72 69 70 74 3e" in page
    assert "<b>" not in page
    assert "\x1b" not in page


def test_what_a_stranger_sent_is_said_to_be_so_in_the_readers_language(database: Database, client: TestClient) -> None:
    a_refusal(database, b"{}", topic="fm/demo/late/up/telemetry", reason=Reason.UNKNOWN_DEVICE)
    assert "No device late is registered." in client.get("/desk/refusals?lang=en").text
    page = client.get("/desk/refusals?lang=zh").text
    assert "没有登记设备 late。" in page
    assert ">detail<" not in page


def test_a_long_refusal_is_shown_in_part_and_downloaded_whole(database: Database, client: TestClient) -> None:
    number = a_refusal(database, b"x" * 65_536)
    page = client.get("/desk/refusals").text
    assert "The first 2048 of 65536 bytes." in page
    assert len(page) < 30_000
    whole = client.get(f"/api/refusals/{number}/payload")
    assert (len(whole.content), whole.headers["content-type"]) == (65_536, "application/octet-stream")
    assert "attachment" in whole.headers["content-disposition"]
    assert client.get(f"/api/refusals/{number + 1}/payload").status_code == 404


def test_the_list_goes_on_where_the_page_ends_and_keeps_the_filter(database: Database, client: TestClient) -> None:
    for each in range(5):
        a_refusal(database, b"%d" % each, topic=f"fm/demo/d{each % 2}/up/telemetry")
    first = client.get("/desk/refusals?limit=2&device=d0&reason=NOT_JSON").text
    assert (">4<" in first, ">2<" in first, ">0<" in first, ">3<" in first) == (True, True, False, False)
    path = first.partition('class="more"><a href="')[2].partition('"')[0].replace("&amp;", "&")
    second = client.get(path).text
    assert (">0<" in second, ">2<" in second, "Back to the first page" in second) == (True, False, True)
    answer = client.get("/api/refusals", params={"limit": 2, "topic": "/d1/"}).json()
    assert [each["text"] for each in answer["refusals"]] == ["3", "1"]
    rest = client.get("/api/refusals", params={"limit": 2, "topic": "/d1/", "older_than": answer["next"]}).json()
    assert rest == {"refusals": [], "next": None}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from={today}", 1),
        ("to={today}", 1),
        ("from={today}&to={today}&device=&reason=&topic=", 1),
        ("from={today}T00:00:00Z&to={today}T00:00:00Z", 0),
        ("to=2020-01-01", 0),
        ("reason=EMPTY", 0),
    ],
)
def test_days_are_whole_and_empty_fields_say_nothing(
    database: Database, client: TestClient, query: str, found: int
) -> None:
    a_refusal(database, b"{")
    with database.connect() as conn:
        (today,) = conn.execute("SELECT received_at::date FROM refusal").fetchone() or (None,)
    asked = query.format(today=today)
    assert len(client.get(f"/api/refusals?{asked}").json()["refusals"]) == found
    assert client.get(f"/desk/refusals?{asked}").status_code == 200


@pytest.mark.parametrize(
    "query", ["reason=NO_SUCH", "device=a/b", "from=yesterday", "topic=%00", "limit=0", "limit=501", "to=9999-12-31"]
)
def test_a_filter_that_makes_no_sense_is_a_422(client: TestClient, query: str) -> None:
    assert client.get(f"/api/refusals?{query}").status_code == 422


@pytest.fixture
def road(database: Database, nats_server: NatsServer) -> Iterator[Road]:
    nats_server.clear()
    with a_house(database, nats_server) as made:
        yield made


@pytest.fixture
def desk(road: Road, house: House) -> Iterator[TestClient]:
    """The client of a house that reaches the log; its clock is the real one."""
    reaches = House(settings=road.settings, pool=house.pool, catalogue=house.catalogue)
    with TestClient(staff_app(reaches), base_url=BASE, follow_redirects=False) as client:
        yield client


def replay(desk: TestClient, **asked: Any) -> dict[str, Any]:
    answer = desk.post("/api/refusals/replay", json=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.engines
def test_what_a_device_sent_before_it_was_registered_is_in_the_record_after_a_replay(
    road: Road, desk: TestClient
) -> None:
    start_ms = now_ms()
    readings = [a_reading(start_ms - 60_000 * i, power_w=float(i)) for i in range(5)]
    with working(road.settings):
        road.publish(*readings, b"{", device="late")
        road.caught_up()
        asked = {"reason": "UNKNOWN_DEVICE", "device": "late"}
        assert replay(desk, **asked, dry_run=True)["refused"] == {"UNKNOWN_DEVICE": 6}
        desk.put("/api/devices/late", json=a_device_body())
        tried = replay(desk, **asked, dry_run=True)
        assert (tried["sent"], tried["refused"]) == (6, {"NOT_JSON": 1})
        assert road.one("SELECT count(*) FROM refusal WHERE replayed_at IS NOT NULL") == 0

        first = replay(desk, **asked, limit=4)
        assert (first["sent"], first["matching"]) == (4, 6)
        second = replay(desk, **asked, after=first["after"], up_to=first["up_to"])
        assert (second["sent"], second["after"]) == (2, None)
        assert replay(desk, **asked)["sent"] == 0
        road.caught_up()
    said = desk.get("/api/devices/late/ledger").json()
    assert (said["committed"], said["replayed"]) == (5, 6)
    rows = road.one("SELECT array_agg(power_w ORDER BY seq) FROM reading_refrigerator")
    assert rows == [0, 1, 2, 3, 4]
    listed = desk.get("/api/refusals", params={"device": "late"}).json()["refusals"]
    assert [(each["reason"], each["replayed"]) for each in listed] == [
        ("NOT_JSON", "NEVER"),
        *[("UNKNOWN_DEVICE", "SENT")] * 6,
    ]
    (one, two) = events(road.database, "refusal.replayed")
    assert (one["actor"], len(one["data"]["refusals"]), len(two["data"]["refusals"])) == ("staff:desk", 4, 2)


@pytest.mark.engines
def test_a_clock_that_was_ahead_stays_refused_however_late_its_bytes_come_again(road: Road, desk: TestClient) -> None:
    with working(road.settings):
        road.publish(a_reading(now_ms() + 700_000))
        road.caught_up()
        with road.database.connect() as conn:  # as if it had come yesterday; by now its time has passed
            conn.execute("UPDATE refusal SET received_at = received_at - interval '1 day'")
        (asked,) = desk.get("/api/refusals").json()["refusals"]
        back = desk.post("/desk/refusals/replay", data={"refusal_no": asked["refusal_no"], "back": "device=d1"})
        assert (back.status_code, back.headers["location"]) == (303, "/desk/refusals?device=d1")
        road.caught_up()
    assert road.one("SELECT count(*) FROM reading_refrigerator") == 0
    assert road.one("SELECT array_agg(reason) FROM refusal") == ["TS_IN_FUTURE", "TS_IN_FUTURE"]


@pytest.mark.engines
def test_what_is_refused_again_can_be_sent_again_and_is_one_row_on_one_day(road: Road, desk: TestClient) -> None:
    with working(road.settings):
        road.publish(b"{", device="late")
        road.caught_up()
        for times in (1, 2):
            assert replay(desk)["sent"] == 1
            road.caught_up()
            (said,) = desk.get("/api/refusals").json()["refusals"]
            assert (said["replayed"], said["seen"]) == ("REFUSED_AGAIN", times + 1)
    page = desk.get("/desk/refusals").text
    assert "Refused again" in page
    assert "3×" in page
    assert road.one("SELECT refused FROM refusal_day WHERE device_id = 'late'") == 1


@pytest.mark.engines
def test_the_command_goes_through_all_pages_and_says_what_it_did(
    road: Road, desk: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with working(road.settings):
        road.publish(*[b"%d" % i for i in range(7)], device="late")
        road.caught_up()

    def request(method: str, url: str, json: dict[str, Any], **_: Any) -> Any:
        return desk.request(method, url.removeprefix(BASE), json={**json, "limit": 3})

    monkeypatch.setattr(httpx2, "request", request)
    app = command_line()
    asked = ["replay", "--device", "late"]
    assert CliRunner().invoke(app, [*asked, "--reason", "NOT_JSON"]).stdout.startswith("Nothing to send again")
    tried = CliRunner().invoke(app, [*asked, "--dry-run"]).stdout
    assert "7 would be sent again; 0 of them would be taken now." in tried
    assert "7  would be refused again: UNKNOWN_DEVICE" in tried
    assert CliRunner().invoke(app, asked).stdout.startswith("7 sent again")
    assert road.nats.state().messages == 14
    wrong = CliRunner().invoke(app, ["replay", "--from", "yesterday"])
    assert (wrong.exit_code, "#/from" in wrong.stderr) == (1, True)


def test_the_command_lists_what_is_asked_for_and_nothing_in_it_can_move_the_terminal(
    database: Database, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        a_refusal(database, b"%d" % number, topic=f"fm/demo/d1/up/x{number}\x1b[2J", reason=Reason.UNKNOWN_KIND)
    a_refusal(database, b"{")

    def request(method: str, url: str, params: dict[str, Any], **_: Any) -> Any:
        return client.request(method, url.removeprefix(BASE), params={**params, "limit": min(2, params["limit"])})

    monkeypatch.setattr(httpx2, "request", request)
    app = command_line()
    said = CliRunner().invoke(app, ["list", "--reason", "UNKNOWN_KIND", "--limit", "4", "--api", BASE]).stdout
    lines = [line.split("\t") for line in said.splitlines()]
    assert [line[3:5] for line in lines] == [["UNKNOWN_KIND", f"fm/demo/d1/up/x{n}\\x1b[2J"] for n in (4, 3, 2, 1)]
    assert {len(line) for line in lines} == {8}
    (one,) = CliRunner().invoke(app, ["list", "--reason", "NOT_JSON", "--json", "--api", BASE]).stdout.splitlines()
    assert (json.loads(one)["text"], json.loads(one)["replayed"]) == ("{", "NEVER")
    wrong = CliRunner().invoke(app, ["list", "--from", "yesterday", "--api", BASE])
    assert (wrong.exit_code, "from" in wrong.stderr) == (1, True)


def command_line() -> Any:
    app = typer.Typer()
    command.register(app)
    return app.registered_groups[0].typer_instance


def test_without_the_log_nothing_is_marked(database: Database, house: House, client: TestClient) -> None:
    a_refusal(database, b"{", reason=Reason.UNKNOWN_DEVICE)
    answer = client.post("/api/refusals/replay", json={})
    assert (answer.status_code, answer.json()["title"]) == (503, "Log not reachable")
    assert client.get("/api/refusals").json()["refusals"][0]["replayed"] == "NEVER"
