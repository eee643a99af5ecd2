"""A scene for pages: a refrigerator whose compressor runs longer since yesterday evening, and what follows from it.

What the worker and the relay would do is done by their own functions, in their own roles.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from api.http.house import House
from devices.model import Catalogue
from ingest import history
from ingest.model import Batch, Reason, Refusal
from ledger import scope
from ledger.model import Scope
from tests.conftest import Database
from tests.http.conftest import a_device_body
from ticketing.alerts.take import take_findings
from ticketing.questions.look import look_due
from ticketing.questions.model import AskPolicy

USUAL_MIN, ILL_MIN, PERIOD_MIN = 21, 34, 60
HOURS = 72


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything is about `device_id`, whose trouble began at `since`."""

    database: Database
    house: House
    client: TestClient
    device_id: str
    device_no: int
    label_path: str
    since: datetime

    def question(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/api/questions").json()["questions"][0]
        return found

    def question_path(self) -> str:
        """As the desk opens it for a customer."""
        answer = self.client.post(f"/desk/questions/{self.question()['question_id']}/open")
        assert answer.status_code == 303
        return str(answer.headers["location"])

    def answer(self, choice: str, path: str | None = None, version: int = 1) -> Any:
        return self.client.post(path or self.question_path(), data={"choice": choice, "version": version})

    def ticket(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/api/tickets").json()["tickets"][0]
        return found

    def press(self, do: str) -> Any:
        """A button on the engineer's page."""
        ticket = self.ticket()
        return self.client.post(f"/work/{ticket['ticket_id']}", data={"do": do, "version": ticket["version"]})


def a_scene(database: Database, house: House, client: TestClient, *, language: str = "en", asked: bool = True) -> Scene:
    now = house.clock()
    customer = {"name": "Ann", "language": language, "time_zone": "Europe/Berlin", "phone": "+49 30 1"}
    body = a_device_body(place="12 Canal Street, kitchen", customer=customer)
    registered = client.put("/api/devices/fridge-1", json=body).json()
    engineers(client)
    scene = Scene(
        database=database,
        house=house,
        client=client,
        device_id="fridge-1",
        device_no=registered["device_no"],
        label_path="/r/" + registered["label_url"].rpartition("/")[2],
        since=(now - timedelta(hours=15)).replace(minute=0, second=0, microsecond=0),
    )
    readings(database, house.catalogue, scene.device_no, now, scene.since)
    a_finding(scene, now)
    if asked:
        relay(database, house, now)
    return scene


def engineers(client: TestClient) -> None:
    for slug, name, regions, load_cap in (("mia", "Mia Berg", ["north"], 5), ("tom", "Tom Ade", ["south", "north"], 5)):
        body = {"name": name, "regions": regions, "skills": ["refrigeration"], "level": 2, "load_cap": load_cap}
        client.put(f"/api/engineers/{slug}", json=body)
    other = {"name": "Lea Ruiz", "regions": ["south"], "skills": ["air_conditioning"], "level": 3, "load_cap": 5}
    client.put("/api/engineers/lea", json=other)


def readings(database: Database, catalogue: Catalogue, device_no: int, now: datetime, since: datetime) -> None:
    """Three days, one a minute: the compressor runs 21 of 60 minutes, and 34 since `since`."""
    appliance = catalogue["refrigerator"]
    n = HOURS * 60
    end_ms = int(now.timestamp() * 1000) // 60_000 * 60_000
    ts_ms = end_ms - 60_000 * np.arange(n - 1, -1, -1, dtype=np.int64)
    minute = ts_ms // 60_000 % PERIOD_MIN
    on = minute < np.where(ts_ms >= since.timestamp() * 1000, ILL_MIN, USUAL_MIN)
    wave = np.sin(np.arange(n) / 37)
    values = np.full((n, len(appliance.metrics)), np.nan)
    columns = {
        "cabinet_temp_c": 4.2 + 0.8 * np.sin(2 * np.pi * minute / PERIOD_MIN) + 0.1 * wave,
        "evaporator_temp_c": np.where(on, -24.0, -12.0) + wave,
        "discharge_temp_c": np.where(on, 62.0, 38.0) + wave,
        "ambient_temp_c": 22.5 + wave,
        "power_w": np.where(on, 96.0 + 3 * wave, 2.1),
        "door_open": np.zeros(n),
    }
    for name, column in columns.items():
        values[:, appliance.metric_names.index(name)] = column
    batch = Batch(
        class_id="refrigerator",
        device_no=np.full(n, device_no, np.int64),
        ts_ms=ts_ms,
        seq=np.arange(1, n + 1, dtype=np.int64),
        received_ms=ts_ms + 500,
        values=values,
        flags=np.zeros(n, np.int64),
        extra=[None] * n,
    )
    with database.connect("foremend_worker", autocommit=False) as conn:
        history.keep(conn, catalogue, [batch], [])


ON_TIME = {"measure": "on_min", "unit": "min", "band": [18.0, 24.0]}


def a_finding(
    scene: Scene,
    at: datetime,
    *,
    rule: str = "on_time:power_w",
    observed: float = 34,
    expected: float = 21,
    evidence: dict[str, Any] = ON_TIME,
) -> None:
    with scene.database.connect("foremend_worker") as conn:
        conn.execute(
            "INSERT INTO finding"
            " (tenant_id, device_no, rule, claim, metric, observed, expected, since, at, seq, evidence)"
            " VALUES ('demo', %s, %s, 'RAISED', %s, %s, %s, %s, %s, 1, %s)",
            [
                scene.device_no,
                rule,
                rule.partition(":")[2],
                observed,
                expected,
                scene.since,
                at,
                Jsonb(evidence),
            ],
        )


def relay(database: Database, house: House, now: datetime) -> None:
    with database.connect("foremend_relay", autocommit=False) as conn:
        take_findings(conn, house.catalogue, now)
        look_due(conn, catalogue=house.catalogue, policy=AskPolicy(), now=now)


def cleared(scene: Scene, now: datetime) -> None:
    """The finding is taken back, and the relay sees it."""
    with scene.database.connect("foremend_worker") as conn:
        conn.execute(
            "INSERT INTO finding (tenant_id, device_no, rule, claim, metric, observed, expected, since, at, seq)"
            " VALUES ('demo', %s, 'on_time:power_w', 'CLEARED', 'power_w', 21, 21, %s, %s, 2)",
            [scene.device_no, now, now],
        )
    relay(scene.database, scene.house, now)


def a_refusal(
    database: Database, payload: bytes, topic: str = "fm/demo/fridge-1/up/telemetry", reason: Reason = Reason.NOT_JSON
) -> int:
    """Its number."""
    with database.connect("foremend_worker", autocommit=False) as conn:
        said: dict[str, Any] = {
            "topic": topic,
            "tenant_id": "demo",
            "device_no": None,
            "reason": reason,
            "detail": "detail",
        }
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        history.keep(conn, {}, [], [Refusal(seq=1, received_ms=now_ms, payload=payload, **said)])
        conn.commit()
        (number,) = conn.execute("SELECT max(refusal_no) FROM refusal").fetchone() or (0,)
    return int(number)


def events(database: Database, kind: str) -> list[dict[str, Any]]:
    with database.connect("foremend_api", autocommit=False) as conn:
        scope.enter(conn, Scope(tenant_id="demo", actor="test"))
        rows = conn.execute("SELECT subject_id, actor, data FROM event WHERE kind = %s ORDER BY event_id", [kind])
        return [{"subject_id": subject_id, "actor": actor, "data": data} for subject_id, actor, data in rows]
