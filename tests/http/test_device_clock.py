"""What a device's clock is worth stands on its page and in the API."""

import pytest
from starlette.testclient import TestClient

from api.http import when
from api.http.house import House
from tests.conftest import Database
from tests.http.scene import a_scene


def test_a_clock_that_is_off_is_said_in_words(database: Database, house: House, client: TestClient) -> None:
    scene = a_scene(database, house, client, asked=False)
    assert "<dd>Right</dd>" in client.get("/desk/devices/fridge-1").text
    with database.connect() as conn:
        conn.execute(
            "UPDATE reading_refrigerator SET received_at = received_at + interval '2 hours' WHERE device_no = %s",
            [scene.device_no],
        )
    assert "2 h behind" in client.get("/desk/devices/fridge-1").text
    assert "慢 2 小时" in client.get("/desk/devices/fridge-1?lang=zh").text
    assert client.get("/api/devices/fridge-1/clock").json() == {
        "state": "BEHIND",
        "offset_ms": -7_200_500,
        "messages": 200,
    }
    assert client.get("/api/devices/nobody/clock").status_code == 404


@pytest.mark.parametrize(
    ("span_ms", "said"),
    [
        (0, "0 min"),
        (125_000, "2 min"),
        (3_599_999, "1 h"),
        (7_140_000, "1 h 59 min"),
        (604_800_000, "7 d"),
        (93_600_000, "1 d 2 h"),
    ],
)
def test_a_span_is_said_in_two_parts(span_ms: int, said: str) -> None:
    assert when.span("en", span_ms) == said
