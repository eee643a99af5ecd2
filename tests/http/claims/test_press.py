"""A press of the button proves that somebody stands before it, if it is one of now and his alone."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import Database
from tests.http.claims.conftest import GTIN, begins, claims, owner_of, presses
from tests.http.conftest import Clock
from tests.http.scene import events


def test_a_press_proves_presence_and_the_page_waits_for_it(
    ann: TestClient, client: TestClient, label: str, database: Database, clock: Clock
) -> None:
    token = begins(ann, label)
    assert "Press the button on the appliance now." in ann.get(f"/claim/{label}?press={token}").text
    early = claims(ann, label, do="pressed", token=token)
    assert early.status_code == 422
    assert "has not reported a press" in early.text
    assert 'value="Ann Lee"' in early.text
    clock.forward(minutes=1)
    presses(database, clock)
    clock.forward(minutes=10)  # the form takes longer than the press
    assert claims(ann, label, do="pressed", token=token).status_code == 303
    assert events(database, "device.claim_proved")[0]["data"] == {"by": "press"}
    assert claims(ann, label, do="pressed", token=token, key="other").status_code == 409


@pytest.mark.parametrize(
    ("before_s", "late", "said"),
    [(-20, timedelta(), 1), (20, timedelta(hours=8), 1), (20, timedelta(), 0), (400, timedelta(), 1)],
    ids=["before the claim", "from a backlog", "not pressed", "too late"],
)
def test_what_is_no_press_of_now_proves_nothing(
    ann: TestClient,
    client: TestClient,
    label: str,
    database: Database,
    clock: Clock,
    before_s: int,
    late: timedelta,
    said: int,
) -> None:
    if before_s < 0:
        presses(database, clock)
        clock.forward(seconds=-before_s)
    token = begins(ann, label)
    clock.forward(seconds=abs(before_s))
    if before_s > 0:
        presses(database, clock, said=said, late=late)
    assert claims(ann, label, do="pressed", token=token).status_code == 422
    assert owner_of(client) is None


def test_a_press_that_a_stranger_waited_for_too_binds_neither(
    ann: TestClient, stranger: TestClient, client: TestClient, label: str, secret: str, database: Database, clock: Clock
) -> None:
    theirs, hers = begins(stranger, label), begins(ann, label)
    clock.forward(seconds=30)
    presses(database, clock)
    for person, token in ((stranger, theirs), (ann, hers)):
        answer = claims(person, label, do="pressed", token=token)
        assert "Somebody else is registering" in answer.text
    assert owner_of(client) is None
    assert claims(ann, label, secret=secret).status_code == 303


def test_a_guessed_serial_begins_no_wait_for_a_press(stranger: TestClient, device: dict[str, Any]) -> None:
    path = f"/claim/01/{GTIN}/21/S1"
    page = stranger.get(path)
    assert page.status_code == 200
    assert "With the button" not in page.text
    assert stranger.post(path, data={"do": "begin"}).status_code == 404
