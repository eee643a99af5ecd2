"""A GET never acts: every route that answers one is walked, and the database stays as it was."""

from functools import reduce

import psycopg
import pytest
from starlette.testclient import TestClient

from api.http import claiming
from api.http.app import staff_app
from api.http.house import House
from devices import registry
from tests.conftest import Database, NatsServer
from tests.http.conftest import get_paths
from tests.http.scene import Scene, a_refusal, a_scene

NOT_WALKED = {  # endless; they only ask for a version
    "/desk/live",
    "/desk/devices/{device_id}/live",
    "/t/{token}/live",
    "/work/{ticket_id}/live",
}
UNKNOWN = {"/desk/photos/{sha256}.jpg", "/01/{gtin}/21/{serial:path}"}  # found nothing: tests of their own walk what is

ASKED = {"/api/events": {"subject": "{device_id}"}}  # what a path does not answer without


def everything(database: Database) -> dict[str, str]:
    """A fingerprint of every table."""
    with database.connect() as conn:
        tables = conn.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        ).fetchall()
        return {
            name: conn.execute(
                psycopg.sql.SQL("SELECT coalesce(md5(string_agg(t::text, '/' ORDER BY t::text)), '') FROM {} t").format(
                    psycopg.sql.Identifier(name)
                )
            ).fetchone()[0]
            for (name,) in tables
        }


@pytest.fixture
def scene(database: Database, house: House, client: TestClient) -> Scene:
    return a_scene(database, house, client)


def _owner_path(scene: Scene) -> str:
    with scene.house.acting() as conn:
        device = registry.find(conn, "demo", scene.device_id)
        assert device.customer_id is not None
        return claiming.owner_path(conn, scene.house, device, device.customer_id)


def test_no_get_route_changes_a_row(scene: Scene, house: House, nats_server: NatsServer) -> None:
    settings = house.settings.model_copy(update={"nats_url": nats_server.secret_url})
    app = staff_app(House(settings=settings, pool=house.pool, catalogue=house.catalogue, clock=house.clock))
    question_path = scene.question_path()
    scene.client.post(scene.label_path, data={"words": "hums", "key": "k"})
    follow_path = scene.client.post(f"{question_path}/follow").headers["location"]
    ticket = scene.ticket()
    scene.client.put(f"/api/devices/{scene.device_id}/place", json={"site": "Mill 3"})
    command = scene.client.post(
        f"/api/devices/{scene.device_id}/commands", json={"name": "ping"}, headers={"Idempotency-Key": "1"}
    ).json()
    given = {
        "q/{token}": question_path[1:],
        "t/{token}": follow_path[1:],
        "m/{token}": _owner_path(scene)[1:],
        "{code:path}": scene.label_path.rpartition("/")[2],
        "{label_token}": scene.label_path.rpartition("/")[2],
        "{device_id}": scene.device_id,
        "{customer_id}": scene.question()["customer_id"],
        "{site:path}": "Mill 3",
        "api/events": f"api/events?subject={scene.device_id}",
        "{class_id}": "refrigerator",
        "{ticket_id}": ticket["ticket_id"],
        "{name}": ticket["number"],
        "{sha256}": "ab" * 32,
        "{command_id}": command["id"],
        "{refusal_no}": str(a_refusal(scene.database, b"{")),
    }

    def filled_in(text: str) -> str:
        return reduce(lambda text, given: text.replace(*given), given.items(), text)

    paths = [path for path in [*get_paths(), "/api/openapi.json", "/static/style.css"] if path not in NOT_WALKED]
    before = everything(scene.database)
    with TestClient(app, base_url="http://127.0.0.1:8080", follow_redirects=False) as client:
        for path in paths:
            asked = {name: filled_in(value) for name, value in ASKED.get(path, {}).items()}
            answer = client.get(filled_in(path), params=asked)
            wanted = 404 if path in UNKNOWN else 503 if path == "/readyz" else 200  # neither worker nor relay runs
            assert answer.status_code == wanted, (path, answer.text[:300])
    assert len(paths) > 25
    assert everything(scene.database) == before


def test_what_only_looks_is_kept_from_writing_by_the_database(house: House) -> None:
    with house.looking() as conn, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        conn.execute("INSERT INTO tenant VALUES ('demo', 'demo')")
