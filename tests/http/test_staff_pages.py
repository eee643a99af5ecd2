"""The desk and the engineer's pages: everything that waits is shown, bounded, escaped, and can be acted on."""

import json
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.http.house import House
from ledger import log
from ledger.ids import uuid7
from ledger.model import Scope
from tests.conftest import Database
from tests.http.conftest import Clock, a_device_body, get_paths
from tests.http.scene import Scene, a_finding, a_refusal, a_scene, readings, relay
from ticketing.notify.model import Attempt, Trouble


@pytest.fixture
def scene(database: Database, house: House, client: TestClient) -> Scene:
    return a_scene(database, house, client)


STAFF_PATHS = [path for path in get_paths() if path.startswith(("/desk", "/work")) and "{" not in path]


def test_an_empty_house_has_pages_in_both_languages(client: TestClient) -> None:
    for path in (path for path in STAFF_PATHS if not path.endswith(("/live", ".pdf"))):
        for language in ("en", "zh"):
            answer = client.get(f"{path}?lang={language}")
            assert answer.status_code == 200
            assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text


def test_the_desk_sees_alert_and_question_in_words(scene: Scene) -> None:
    for path in ("/desk/", "/desk/alerts", "/desk/questions", "/desk/devices/fridge-1"):
        page = scene.client.get(path).text
        assert "the compressor has been running 34 minutes at a time instead of 21" in page, path


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ("BUDGET SHELVED", "今天已询问过、回答后暂缓"),
        ("FAILED ValueError: <b>", "询问流程出错：ValueError: &lt;b&gt;"),
    ],
)
def test_what_an_alert_waits_for_is_said_in_words(scene: Scene, codes: str, words: str) -> None:
    with scene.database.connect() as conn:
        conn.execute("UPDATE alert SET waits_for = %s", [codes])
    assert words in scene.client.get("/desk/alerts?lang=zh").text


@pytest.mark.parametrize(
    ("rule", "observed", "expected", "evidence", "says"),
    [
        ("level:cabinet_temp_c", 9.42, 4.1, {"unit": "°C", "band": [1, 7]}, "has been 9.4 °C instead of 4.1 °C"),
        ("level:cabinet_temp_c", 9.42, 4.1, {}, "has been 9.4 °C instead of 4.1 °C"),
        ("on_time:power_w", 61.3, 35.2, {"measure": "duty", "unit": "%"}, "running 61 % of the time instead of 35 %"),
        ("on_time:power_w", 4.26, 1.1, {"measure": "starts_per_hour"}, "starting 4.3 times an hour instead of 1.1"),
        ("on_time:power_w", 3, 1, {"measure": "a_later_one", "unit": "x"}, "power has been 3.0 x instead of 1.0 x"),
    ],
)  # fmt: skip
def test_every_measure_has_its_sentence_and_its_curve(
    database: Database, house: House, client: TestClient, clock: Clock, rule: str, observed: float, expected: float,
    evidence: dict[str, Any], says: str
) -> None:  # fmt: skip
    scene = a_scene(database, house, client, asked=False)
    with database.connect() as conn:
        conn.execute("DELETE FROM finding")
    a_finding(scene, clock.now, rule=rule, observed=observed, expected=expected, evidence=evidence)
    relay(database, house, clock.now)
    assert says in client.get("/desk/alerts").text
    assert '<svg class="curve"' in client.get(scene.question_path()).text
    scene.answer("YES")
    assert client.get(f"/work/{scene.ticket()['ticket_id']}").status_code == 200
    chart = client.get("/api/tickets/T-000001/series").json()["metrics"][0]
    assert chart["focus"] is True
    assert chart["band"] == evidence.get("band")


def test_devices_are_paged(client: TestClient) -> None:
    for n in range(5):
        client.put(f"/api/devices/d{n}", json=a_device_body(serial=f"S{n}"))
    first = client.get("/desk/devices?limit=3").text
    assert ">d2<" in first
    assert ">d3<" not in first
    after = first.partition("after=")[2].partition("&")[0].partition('"')[0]
    assert ">d3<" in client.get(f"/desk/devices?limit=3&after={after}").text


def test_without_smtp_the_desk_says_so(scene: Scene) -> None:
    for path in ("/desk/", "/desk/outbox", "/desk/questions"):
        assert "No SMTP configured" in scene.client.get(path).text


def test_the_outbox_says_whom_it_reaches_and_what_it_waits_for(scene: Scene) -> None:
    hook = {"url": "https://example.org/hook", "events": []}
    scene.client.post("/api/webhooks", json=hook)
    customer = {"name": "Bea", "language": "en", "time_zone": "UTC", "email": "bea@example.org"}
    scene.client.put("/api/devices/fridge-3", json=a_device_body(serial="S3", customer=customer))
    body = {"device_id": "fridge-3", "words": "it hums"}
    scene.client.post("/api/reports", json=body, headers={"Idempotency-Key": "k"})
    page = scene.client.get("/desk/outbox").text
    for words in ("Ticket opened", 'E-mail<br><span class="soft">Bea<', "https://example.org/hook<", "when SMTP is"):
        assert words in page, words


def test_a_dead_letter_is_sent_again_from_the_desk(scene: Scene, clock: Clock) -> None:
    by = Scope(tenant_id="demo", actor="test")
    with scene.house.acting() as conn:
        log.note(conn, "a.b", "s", by, clock.now, destinations=["webhook:1"])
        conn.execute("UPDATE delivery SET state = 'DEAD', last_error = '<i>410</i>' WHERE destination = 'webhook:1'")
    page = scene.client.get("/desk/outbox").text
    assert "Dead letter" in page
    assert "&lt;i&gt;410" in page
    dead = scene.client.get("/api/deliveries?state=DEAD").json()["deliveries"]
    path = f"/desk/outbox/{dead[0]['delivery_id']}/replay"
    assert scene.client.post(path).status_code == 303
    assert scene.client.get("/api/deliveries?state=DEAD").json()["deliveries"] == []
    assert scene.client.post(path).status_code == 409


@pytest.mark.parametrize(
    ("error", "english", "chinese"),
    [
        (Attempt.failed(Trouble.HTTP, 500).error, "answered with HTTP 500.", "对方返回 HTTP 500。"),
        (Attempt.failed(Trouble.NO_ADDRESS).error, "The customer has no mail address.", "客户没有邮箱地址。"),
        ("KeyError: 'what'", "KeyError: &#39;what&#39;", "KeyError: &#39;what&#39;"),
    ],
)
def test_why_something_did_not_go_out_is_said_in_the_readers_language(
    scene: Scene, clock: Clock, error: str, english: str, chinese: str
) -> None:
    with scene.house.acting() as conn:
        log.note(conn, "a.b", "s", Scope(tenant_id="demo", actor="test"), clock.now, destinations=["webhook:1"])
        conn.execute("UPDATE delivery SET last_error = %s WHERE destination = 'webhook:1'", [error])
    assert english in scene.client.get("/desk/outbox?lang=en").text
    assert chinese in scene.client.get("/desk/outbox?lang=zh").text


def test_findings_that_were_set_aside_are_for_review(scene: Scene, clock: Clock) -> None:
    with scene.database.connect("foremend_worker") as conn:
        conn.execute(
            "INSERT INTO finding (tenant_id, device_no, rule, claim, metric, observed, expected, since, at, seq)"
            " VALUES ('demo', %s, 'level:nothing', 'RAISED', 'nothing', 1, 2, now(), now(), 9)",
            [scene.device_no],
        )
    relay(scene.database, scene.house, clock.now)
    assert "level:nothing" in scene.client.get("/desk/review").text


def test_a_device_that_nobody_owns_is_for_review(scene: Scene, clock: Clock) -> None:
    body = a_device_body(serial="S2", customer=None)
    orphan = scene.client.put("/api/devices/fridge-2", json=body).json()
    readings(scene.database, scene.house.catalogue, orphan["device_no"], clock.now, scene.since)
    a_finding(Scene(**{**scene.__dict__, "device_no": orphan["device_no"]}), clock.now)
    relay(scene.database, scene.house, clock.now)
    assert "No customer to ask" in scene.client.get("/desk/review").text


def test_the_engineer_reads_the_evidence_the_parts_and_why_she_was_chosen(scene: Scene) -> None:
    scene.answer("YES")
    page = scene.client.get(f"/work/{scene.ticket()['ticket_id']}").text
    for word in (
        "compressor start relay",
        "Mia Berg",
        "20 min",
        "Lea Ruiz",
        "works in another region",
        "34 min",
        "SHA-256",
    ):
        assert word in page, word
    assert page.index("Mia Berg") < page.index("Tom Ade")
    assert "Engineer proposed <small>Foremend</small>" in page
    assert 'href="tel:+49 30 1"' in page
    assert "请带上这些配件" in (chinese := scene.client.get(f"/work/{scene.ticket()['ticket_id']}?lang=zh").text)
    assert "压缩机启动继电器" in chinese


def test_another_engineer_than_the_proposed_one_may_accept(scene: Scene) -> None:
    scene.answer("YES")
    engineers = {each["slug"]: each["engineer_id"] for each in scene.client.get("/api/engineers").json()["engineers"]}
    ticket = scene.ticket()
    data = {"do": "accept", "version": ticket["version"], "engineer": engineers["tom"]}
    assert scene.client.post(f"/work/{ticket['ticket_id']}", data=data).status_code == 303
    assert scene.ticket()["engineer_id"] == engineers["tom"]


def test_what_nobody_was_proposed_for_needs_a_name(scene: Scene) -> None:
    scene.client.put("/api/devices/fridge-4", json=a_device_body(serial="S4", region="nowhere"))
    body = {"device_id": "fridge-4", "words": "it hums"}
    scene.client.post("/api/reports", json=body, headers={"Idempotency-Key": "k"})
    ticket = scene.ticket()
    path, press = f"/work/{ticket['ticket_id']}", {"do": "accept", "version": 1}
    assert '<option value="" selected disabled>Please choose' in scene.client.get(path).text
    assert scene.client.post(path, data=press).status_code == 422
    assert scene.client.post(path, data={**press, "engineer": str(uuid7(scene.since))}).status_code == 404
    assert scene.ticket()["state"] == "READY"


def test_two_who_press_at_once_do_not_both_win(scene: Scene) -> None:
    scene.answer("YES")
    ticket = scene.ticket()
    path, data = f"/work/{ticket['ticket_id']}", {"do": "accept", "version": ticket["version"]}
    assert [scene.client.post(path, data=data).status_code for _ in range(2)] == [303, 412]
    assert scene.client.post(path, data={"do": "en_route", "version": 1}).status_code == 409


def test_buttons_that_do_not_exist_do_nothing(scene: Scene) -> None:
    scene.answer("YES")
    assert scene.press("explode").status_code == 422
    assert scene.client.get("/work/nothing").status_code == 422
    assert scene.client.get(f"/work/{uuid7(scene.since)}").status_code == 404


def test_the_chart_is_told_what_it_draws(scene: Scene) -> None:
    scene.answer("YES")
    path = f"/api/tickets/{scene.ticket()['number']}/series"
    answer = scene.client.get(path).json()
    noticed, power = answer["metrics"][:2]
    assert (noticed["name"], noticed["band"], noticed["focus"]) == ("on_min", [18.0, 24.0], True)
    assert set(noticed["high"]) == {21.0, 34.0}
    assert power["name"] == "power_w"
    assert len(power["high"]) == len(answer["ts"])
    assert [mark["kind"] for mark in answer["marks"]] == ["since", "asked"]
    zoom = scene.client.get(path, params={"from_ms": answer["to_ms"] - 3_600_000, "to_ms": answer["to_ms"]}).json()
    assert 59 <= len(zoom["ts"]) <= 61
    assert zoom["metrics"][0]["high"] == noticed["high"]
    json.dumps(answer, allow_nan=False)


SPEAKS_ITSELF = re.compile(r"\.(pdf|svg|jpg)|/snapshot|^/r/")  # a file, or a page in the language of whoever scans


def test_whoever_chose_a_language_goes_on_in_it(scene: Scene) -> None:
    scene.client.post(scene.label_path, data={"words": "hums", "key": "k"})
    scene.client.put("/api/devices/fridge-1/place", json={"site": "Mill 3"})
    a_refusal(scene.database, b"{")
    job = f"/work/{scene.ticket()['ticket_id']}"
    customer = scene.client.get("/api/devices/fridge-1").json()["customer_id"]
    lists = ["", "alerts", "questions", "tickets", "devices", "customers", "sites"]
    lists += ["outages", "refusals", "outbox", "review"]
    ones = ["devices/fridge-1", "devices/fridge-1/edit", f"customers/{customer}", "sites/Mill 3"]
    for path in [*(f"/desk/{each}" for each in (*lists, *ones)), "/work/", job]:
        page = scene.client.get(f"{path}?lang=zh").text.partition("<nav")[2].partition("</nav>")[2]
        ways = re.findall(r'(?:href|action|formaction)="(/[^"]*)"', re.sub(r'<form[^>]*method="get"[^>]*>', "", page))
        lost = [way for way in ways if "lang=" not in way and not SPEAKS_ITSELF.search(way)]
        assert (lost, page != "") == ([], True), path
        for asks in re.findall(r'<form[^>]*method="get".*?</form>', page, re.DOTALL):
            assert 'name="lang" value="zh"' in asks, path
    moved = scene.client.post(f"{job}?lang=zh", data={"do": "cancel", "version": scene.ticket()["version"]})
    assert (moved.status_code, moved.headers["location"]) == (303, f"{job}?lang=zh")
