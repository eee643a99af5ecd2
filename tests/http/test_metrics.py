"""What Prometheus scrapes: the house as record and log know it, and the requests by their route."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.http.app import staff_app
from api.http.house import House
from api.watch import waiting, watch
from api.watch.pulse import LOOPS, Pulse
from api.watch.standing import LogStanding
from api.watch.watch import Watch
from ingest.adapter_log import Head
from ledger.statements import Statements
from tests.conftest import Database, NatsServer
from tests.http.conftest import BASE
from tests.http.scene import a_finding, a_scene

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(client: TestClient) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"foremend_{name}", frozenset(labels.items())]


def of(house: House) -> TestClient:
    return TestClient(staff_app(house), base_url=BASE, follow_redirects=False)


def test_what_waits_is_counted_by_its_state(database: Database, house: House, client: TestClient) -> None:
    scene = a_scene(database, house, client)
    a_finding(scene, house.clock(), rule="level:cabinet_temp_c")
    with of(house) as fresh:
        samples = scraped(fresh)
    assert value(samples, "findings_waiting") == 1
    assert value(samples, "questions_open") == 1
    assert value(samples, "alerts_active", engagement="ASKED") == 1
    assert value(samples, "alerts_active", engagement="DECLINED") == 0
    assert value(samples, "tickets_opened_total") == 0
    scene.answer("YES")
    with of(house) as fresh:
        samples = scraped(fresh)
    in_work = sum(value(samples, "tickets_open", state=state) for state in ("READY", "DISPATCHED"))
    assert value(samples, "tickets_opened_total") == in_work == 1
    assert value(samples, "deliveries", state="dead", channel="email") == 0


def test_a_delivery_that_waits_is_as_old_as_its_event(database: Database) -> None:
    at = datetime.now(UTC) - timedelta(minutes=10)
    with database.connect() as conn:
        conn.execute(
            "INSERT INTO event (event_id, tenant_id, kind, subject_id, at, actor)"
            " VALUES (gen_random_uuid(), 'demo', 'k', 's', %s, 'a')",
            [at],
        )
        for state, destination in (("PENDING", "email:1"), ("PENDING", "webhook:1"), ("DEAD", "email:2")):
            conn.execute(
                "INSERT INTO delivery (delivery_id, tenant_id, event_id, destination, lane, state, next_at)"
                " SELECT gen_random_uuid(), 'demo', event_id, %s, 'l', %s, at FROM event",
                [destination, state],
            )
    with database.connect("foremend_api", autocommit=False) as conn:
        found = waiting.count(conn, "demo")
        other = waiting.count(conn, "other")
    assert found.deliveries == {("PENDING", "email"): 1, ("PENDING", "webhook"): 1, ("DEAD", "email"): 1}
    assert found.oldest_pending_s == pytest.approx(600, abs=60)
    assert (other.deliveries, other.oldest_pending_s) == ({}, 0.0)


def test_the_log_is_described_with_how_far_it_is_read(
    database: Database, house: House, nats_server: NatsServer
) -> None:
    last = nats_server.clear()
    settings = house.settings.model_copy(update={"nats_url": nats_server.secret_url})
    with database.connect("foremend_relay") as conn:
        for loop in LOOPS:
            Pulse(loop).beat(conn)
    with of(House(settings=settings, pool=house.pool, catalogue=house.catalogue)) as client:
        samples = scraped(client)
    assert value(samples, "log_head_sequence") == last
    assert value(samples, "log_unread_messages") == 0
    assert 0 <= value(samples, "log_fill_ratio") < 0.5
    assert value(samples, "log_store_limit_bytes") > 1e6
    assert value(samples, "relay_turns_total", loop="findings") == 1
    assert value(samples, "check_state", check="worker") == 2  # none has ever read


def test_a_house_whose_record_is_away_still_answers_with_what_it_knows(doorway: TestClient) -> None:
    samples = scraped(doorway)
    assert value(samples, "check_state", check="record") == 2
    assert ("process_cpu_seconds_total", frozenset()) in samples


def test_requests_are_counted_by_route_and_no_token_becomes_a_label(client: TestClient) -> None:
    for path in ("/q/secret-token-1", "/q/secret-token-2", "/api/devices/fridge-9", "/nowhere", "/livez"):
        client.get(path)
    client.request("BREW", "/livez")
    client.get("/livez", headers={"host": "evil.example"})
    text = client.get("/metrics").text
    samples = scraped(client)
    assert value(samples, "http_requests_total", method="GET", route="/q/{token}", status="404") == 2
    assert value(samples, "http_requests_total", method="GET", route="/livez", status="200") == 1
    assert value(samples, "http_requests_total", method="GET", route="none", status="421") == 1
    assert value(samples, "http_requests_total", method="GET", route="none", status="404") == 1
    assert value(samples, "http_request_seconds_count", route="/q/{token}") == 2
    assert not re.search("secret-token|fridge-9|evil|BREW", text)
    assert value(samples, "http_requests_total", method="GET", route="/api/devices/{device_id}", status="404") == 1


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("count_waiting", "finding_waiting"),
        ("count_waiting", "finding_set_aside"),
        ("count_waiting", "alert_review"),
        ("count_waiting", "question_(open|expires)"),
        ("count_active_alerts", "alert_active"),
        ("count_open_tickets", "ticket_open"),
        ("count_unsettled_deliveries", "delivery_dead"),
        ("read_oldest_pending", "delivery_listed"),
    ],
)
def test_every_count_goes_over_an_index_of_what_waits(database: Database, name: str, index: str) -> None:
    text = getattr(Statements("api.watch"), name)
    with database.connect("foremend_api", autocommit=False) as conn, conn.transaction():
        conn.execute("SET LOCAL enable_seqscan = off")
        conn.execute("SELECT set_config('app.tenant', 'demo', true)")
        plan = "\n".join(line for (line,) in conn.execute(b"EXPLAIN " + text))
    assert re.search(rf"on {index}|using {index}", plan)


def test_a_log_that_fills_up_is_said_on_the_desk_in_both_languages(
    house: House, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = Head(made="", first_seq=1, last_seq=9, messages=9, bytes=1)
    log = LogStanding(head=head, unread=7, unread_s=1.0, stored_bytes=17_000_000_000, limit_bytes=20_000_000_000)
    monkeypatch.setattr(Watch, "log", lambda _: log)
    assert "The log is 85 % full (of 20.0 GB; 7 messages" in client.get("/desk/").text
    assert "日志已用 85 %" in client.get("/desk/?lang=zh").text
    monkeypatch.setattr(Watch, "log", lambda _: replace(log, stored_bytes=20_000_000_001))
    assert "The log is full (20.0 GB; 7 messages" in client.get("/desk/").text
    assert "日志已写满（上限 20.0 GB" in client.get("/desk/?lang=zh").text
    monkeypatch.setattr(Watch, "log", lambda _: None)
    assert "% full" not in client.get("/desk/").text


def test_a_scrape_does_not_ask_the_record_again_within_seconds(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(watch, "COUNTS_KEEP_S", 60.0)  # five scrapes take as long as they take
    counted: Any = waiting.count
    monkeypatch.setattr(waiting, "count", lambda *given: asked.append(1) or counted(*given))
    with of(house) as client:
        for _ in range(5):
            scraped(client)
    assert len(asked) == 1


def test_counts_that_fail_leave_the_rest(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise psycopg.OperationalError("away")

    monkeypatch.setattr(waiting, "count", away)
    with of(house) as client:
        samples = scraped(client)
    assert ("foremend_questions_open", frozenset()) not in samples
    assert value(samples, "schema_version") > 0
